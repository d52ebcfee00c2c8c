//! The functions' gates and budgets, and the ceilings of their stages within those.

use std::time::Duration;

use super::{Broken, FUNCTIONS, Policy, Rules};

pub(super) fn broken(policy: &Policy) -> Vec<Broken> {
    let mut rules = Rules::of([]);
    for name in FUNCTIONS {
        gate(&mut rules, name, policy);
    }
    counts(&mut rules, policy);
    orchestrate(&mut rules, policy);
    ceilings(&mut rules, policy);
    rules.broken
}

fn gate(rules: &mut Rules<'_>, name: &str, policy: &Policy) {
    let limits = policy.function(name);
    let field = |field: &str| format!("functions.{name}.{field}");
    // More than a region gives by default, and far below what the semaphores hold.
    rules.within(&field("reserved_concurrency"), limits.reserved_concurrency, 1..=1_000);
    rules.within(&field("gate.in_flight_per_vcpu"), limits.gate.in_flight_per_vcpu, 1..=10_000);
    rules.within(&field("gate.queue_ratio"), limits.gate.queue_ratio, 0.0..=100.0);
    let budget = field("budget");
    rules.time(&budget, limits.budget);
    rules.at_most((&budget, limits.budget), ("service.total", policy.service.total));
    rules.at_most((&field("gate.max_wait"), limits.gate.max_wait), (&budget, limits.budget));
}

fn counts(rules: &mut Rules<'_>, policy: &Policy) {
    let (stages, retrieve) = (&policy.orchestrate, &policy.retrieve);
    for (field, count) in [
        ("orchestrate.waves", stages.waves),
        ("orchestrate.parallel_tools", stages.parallel_tools),
        ("sanitize.heuristics_pool_max", policy.sanitize.heuristics_pool_max),
        ("sanitize.classifier_pool_max", policy.sanitize.classifier_pool_max),
        ("translate.cpu_pool_max", policy.translate.cpu_pool_max),
        ("translate.chunks_at_once", policy.translate.chunks_at_once),
        ("retrieve.embedding_threads", retrieve.embedding_threads.unwrap_or(1)),
        ("retrieve.embedding_queue", retrieve.embedding_queue),
        ("retrieve.max_document_bytes", retrieve.max_document_bytes),
    ] {
        rules.some(field, count);
    }
    for (field, share) in [
        ("retrieve.document_share", retrieve.document_share),
        ("retrieve.fusion.dense", retrieve.fusion.dense),
        ("retrieve.fusion.rank", retrieve.fusion.rank),
        ("retrieve.reranking.foreign", retrieve.reranking.foreign),
    ] {
        rules.within(field, share, 0.0..=1.0);
    }
    for (field, weight) in [
        ("retrieve.reranking.dense", retrieve.reranking.dense),
        ("retrieve.reranking.lexical", retrieve.reranking.lexical),
        ("retrieve.reranking.feedback", retrieve.reranking.feedback),
        ("retrieve.reranking.brevity", retrieve.reranking.brevity),
        ("retrieve.reranking.phrase", retrieve.reranking.phrase),
        ("retrieve.reranking.form", retrieve.reranking.form),
        ("retrieve.reranking.definition", retrieve.reranking.definition),
    ] {
        rules.within(field, weight, 0.0..=10.0);
    }
}

/// Every stage fits into the request, and so does what is reserved for the answer.
fn orchestrate(rules: &mut Rules<'_>, policy: &Policy) {
    let stages = &policy.orchestrate;
    let budget = ("functions.orchestrate.budget", policy.functions.orchestrate.budget);
    for (field, ceiling) in [
        ("orchestrate.wave", stages.wave),
        ("orchestrate.translate_in", stages.translate_in),
        ("orchestrate.translate_out", stages.translate_out),
        ("orchestrate.sanitize", stages.sanitize),
        ("orchestrate.compose", stages.compose),
    ] {
        rules.time(field, ceiling);
        rules.at_most((field, ceiling), budget);
    }
    let reserved = &stages.reserved;
    rules.at_most(
        ("orchestrate.reserved.sanitize_answer", reserved.sanitize_answer),
        ("orchestrate.sanitize", stages.sanitize),
    );
    rules.at_most(
        ("orchestrate.reserved.translate_back", reserved.translate_back),
        ("orchestrate.translate_out", stages.translate_out),
    );
    let (kept, total) = (reserved.for_the_answer(), policy.service.total);
    let expected = format!("what is reserved for the answer ({kept:?}) to leave time within service.total ({total:?})");
    let fields = "orchestrate.reserved.sanitize_answer orchestrate.reserved.translate_back service.total";
    rules.require(kept < total, fields, expected);
}

/// What a function does one after the other fits into its budget.
fn ceilings(rules: &mut Rules<'_>, policy: &Policy) {
    let (sanitize, retrieve, search) = (&policy.sanitize, &policy.retrieve, &policy.search);
    let fields = "sanitize.heuristics sanitize.classifier";
    sum(rules, fields, sanitize.heuristics + sanitize.classifier, "sanitize", policy);
    let fields = "retrieve.cache retrieve.embedding retrieve.knn retrieve.lexical retrieve.rerank";
    let both = retrieve.knn.max(retrieve.lexical);
    sum(rules, fields, retrieve.cache + retrieve.embedding + both + retrieve.rerank, "retrieve", policy);
    sum(rules, "search.search search.parse", search.search + search.parse, "search", policy);
    sum(rules, "translate.attempt", policy.translate.attempt, "translate", policy);
}

fn sum(rules: &mut Rules<'_>, stages: &str, sum: Duration, function: &str, policy: &Policy) {
    let budget = policy.function(function).budget;
    let expected = format!("the stages of {function}, {sum:?} in all, to fit functions.{function}.budget ({budget:?})");
    rules.require(sum <= budget, &format!("{stages} functions.{function}.budget"), expected);
}
