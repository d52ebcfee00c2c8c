//! What the model and the search provider answer when they are well.

use serde_json::{Value, json};

use super::{Provider, chat, client, json_of, search, simulator};
use crate::simulator::{Effect, Fault};

const PROMPT: &str = "Question: what is a deductible?\n\n\
    [1] Deductible\nA deductible is what you pay first. It starts again every year.\n\
    [2] Copay\nA copay is a fixed amount.\n";
const QUOTED: &str = "A deductible is what you pay first. [1] A copay is a fixed amount. [2]";

fn ask(content: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": content}]})
}

#[tokio::test]
async fn chat_quotes_the_first_sentence_of_each_source() {
    let simulator = simulator();
    let response = chat(&client(), &simulator, &ask(PROMPT)).send().await;
    let (status, body) = json_of(response.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(body["object"], "chat.completion");
    assert_eq!(body["choices"][0]["message"]["content"], QUOTED);
    let usage = &body["usage"];
    let sum = usage["prompt_tokens"].as_u64().unwrap() + usage["completion_tokens"].as_u64().unwrap();
    assert_eq!(usage["total_tokens"], sum);
}

#[tokio::test]
async fn chat_reads_fenced_sources_too() {
    let simulator = simulator();
    let prompt = "<source number=\"1\" title=\"Deductible\">\nWhat it is\nYou pay it first. Then more.\n[7] No source.\n\
        </source>\n<source number=\"2\" title=\"Copay\">\nA fixed amount\n</source>\n\nQuestion: What? And why?";
    let response = chat(&client(), &simulator, &ask(prompt)).send().await;
    let (_, body) = json_of(response.unwrap()).await;
    assert_eq!(body["choices"][0]["message"]["content"], "You pay it first. [1] A fixed amount [2]");
}

#[tokio::test]
async fn chat_streams_the_same_answer_with_usage_and_done() {
    let simulator = simulator();
    let mut body = ask(PROMPT);
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    let response = chat(&client(), &simulator, &body).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let text = response.text().await.unwrap();
    let events: Vec<_> = text.split_terminator("\n\n").filter_map(|event| event.strip_prefix("data: ")).collect();
    let (last, chunks) = events.split_last().unwrap();
    assert_eq!(*last, "[DONE]");
    let chunks: Vec<Value> = chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
    let content: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(content, QUOTED);
    assert!(chunks.last().unwrap()["usage"]["total_tokens"].is_u64());
}

#[tokio::test]
async fn chat_without_sources_says_that_it_is_simulated() {
    let simulator = simulator();
    let response = chat(&client(), &simulator, &ask("Hello?")).send().await;
    let (_, body) = json_of(response.unwrap()).await;
    let content = body["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(content.contains("simulated"), "{content}");
}

#[tokio::test]
async fn chat_translation_is_marked_and_reversible() {
    let simulator = simulator();
    let translate = async |text: &str| {
        let body = json!({"model": "m", "messages": [
            {"role": "system", "content": "Translate the text into Spanish."},
            {"role": "user", "content": text},
        ]});
        let response = chat(&client(), &simulator, &body).send().await;
        let (_, body) = json_of(response.unwrap()).await;
        body["choices"][0]["message"]["content"].as_str().unwrap().to_owned()
    };
    let there = translate("My plan\nZX1QZ denied it.").await;
    assert_eq!(there, "«simulated model» My plan\nZX1QZ denied it.");
    assert_eq!(translate(&there).await, "My plan\nZX1QZ denied it.");
}

#[tokio::test]
async fn chat_translates_a_numbered_batch() {
    let simulator = simulator();
    let task = json!({"from": "English", "to": "Spanish", "texts": [{"i": 1, "s": "A"}, {"i": 2, "s": "B [1]"}]});
    let body = json!({"model": "m", "messages": [
        {"role": "system", "content": "You translate texts."},
        {"role": "user", "content": task.to_string()},
    ]});
    let response = chat(&client(), &simulator, &body).send().await;
    let (_, body) = json_of(response.unwrap()).await;
    let batch: Value = serde_json::from_str(body["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    let expected = json!([{"i": 1, "s": "«simulated Spanish» A"}, {"i": 2, "s": "«simulated Spanish» B [1]"}]);
    assert_eq!(batch["t"], expected);
}

#[tokio::test]
async fn model_errors_have_openai_s_envelope() {
    let simulator = simulator();
    let response = chat(&client(), &simulator, &json!({"messages": []})).send().await;
    let (status, body) = json_of(response.unwrap()).await;
    assert_eq!(status, 400);
    assert_eq!(body["error"]["param"], "model");
    let base = simulator.base_url(Provider::OpenAi);
    let response = client().get(format!("{base}/models")).send().await.unwrap();
    let (status, body) = json_of(response).await;
    assert_eq!((status, &body["error"]["code"]), (401, &json!("invalid_api_key")));
}

#[tokio::test]
async fn embeddings_have_length_one_and_prefer_shared_words() {
    let simulator = simulator();
    let url = format!("{}/embeddings", simulator.base_url(Provider::OpenAi));
    let input = ["my deductible", "the deductible", "surprise bill"];
    let request = client().post(url).bearer_auth("sk-test");
    let request = request.json(&json!({"model": "e", "input": input, "dimensions": 256}));
    let (_, body) = json_of(request.send().await.unwrap()).await;
    let vectors: Vec<Vec<f64>> =
        (0..3).map(|at| serde_json::from_value(body["data"][at]["embedding"].clone()).unwrap()).collect();
    let dot = |a: usize, b: usize| -> f64 { vectors[a].iter().zip(&vectors[b]).map(|(x, y)| x * y).sum() };
    assert_eq!(vectors[0].len(), 256);
    assert!((dot(0, 0) - 1.0).abs() < 1e-5);
    assert!(dot(0, 1) > dot(0, 2));
}

#[tokio::test]
async fn a_reranker_prefers_shared_words_and_talks_nonsense_on_command() {
    let simulator = simulator();
    let url = format!("{}/rerank", simulator.base_url(Provider::Rerank));
    let ask = json!({"model": "r", "query": "my copay", "documents": ["surprise bill", "the copay"], "top_n": 2});
    let (_, body) = json_of(client().post(&url).json(&ask).send().await.unwrap()).await;
    let expected = json!([{"index": 1, "relevance_score": 0.5}, {"index": 0, "relevance_score": 0.0}]);
    assert_eq!(body["results"], expected);
    simulator.fault(Provider::Rerank, Fault::new(Effect::Nonsense));
    let (status, body) = json_of(client().post(&url).json(&ask).send().await.unwrap()).await;
    assert_eq!((status, &body["results"][0]["index"]), (200, &json!(2)));
}

#[tokio::test]
async fn search_ranks_its_pages_and_keeps_to_the_limits() {
    let simulator = simulator();
    let client = client();
    let response = search(&client, &simulator, "appeal a denied claim").send().await;
    let (status, body) = json_of(response.unwrap()).await;
    assert_eq!(status, 200);
    assert_eq!(body["results"][0]["url"], "https://www.healthcare.gov/simulated/appeal");
    let only = json!({"query": "insurance plan", "include_domains": ["cms.gov"], "max_results": 20});
    let request = search(&client, &simulator, "").json(&only);
    let (_, body) = json_of(request.send().await.unwrap()).await;
    let results = body["results"].as_array().unwrap();
    assert!(results.iter().all(|result| result["url"].as_str().unwrap().contains("cms.gov")));
}

#[tokio::test]
async fn search_refuses_without_a_key_or_a_query() {
    let simulator = simulator();
    let (status, body) = json_of(search(&client(), &simulator, " ").send().await.unwrap()).await;
    assert_eq!((status, &body["detail"]["error"]), (400, &json!("Query is missing.")));
    let url = format!("{}/search", simulator.base_url(Provider::Tavily));
    let request = client().post(url).json(&json!({"query": "copay"}));
    let (status, body) = json_of(request.send().await.unwrap()).await;
    assert_eq!(status, 401);
    assert!(body["detail"]["error"].is_string());
}
