//! Documents go in, are found, change and go again; a file is loaded by the `ingest` binary.

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use reqwest::Method;
use serde_json::json;
use tests::{
    api::Api,
    assembly::{Bundle, ingest, with_empty_database},
};

const PATH: &str = "/v1/documents/glasses:2024?collection=benefits";

#[tokio::test]
async fn a_document_is_stored_found_replaced_and_deleted() -> Result<()> {
    let bundle = Bundle::start(with_empty_database()?).await?;
    let put = |text: &str| {
        bundle.api.request(Method::PUT, PATH).json(&json!({"title": "Glasses", "text": text, "visibility": "private"}))
    };
    let stored = Api::send(put("The plan pays for one pair of glasses every two years.")).await?;
    assert_eq!((stored.status, stored.json()["changed"].clone()), (200, json!(true)), "{}", stored.text);
    let again = Api::send(put("The plan pays for one pair of glasses every two years.")).await?;
    assert_eq!(again.json()["changed"], json!(false), "{}", again.text);

    let query = json!({"query": "how often are glasses covered", "collection": "benefits"});
    let found = bundle.api.post("/v1/retrieve", &query).await?.json();
    assert_eq!(
        (found["passages"][0]["document_id"].clone(), found["got"].clone()),
        (json!("glasses:2024"), json!(1)),
        "{found:#}"
    );

    Api::send(put("The plan pays for one pair of glasses each year.")).await?;
    let found = bundle.api.post("/v1/retrieve", &query).await?.json();
    assert!(found["passages"][0]["text"].as_str().unwrap().contains("each year"), "{found:#}");

    let listed = bundle.api.get("/v1/documents?collection=benefits").await?.json();
    assert_eq!(listed["documents"][0]["document_id"], json!("glasses:2024"), "{listed:#}");
    assert_eq!(Api::send(bundle.api.request(Method::DELETE, PATH)).await?.status, 204);
    assert_eq!(Api::send(bundle.api.request(Method::DELETE, PATH)).await?.status, 404);
    assert_eq!(bundle.api.post("/v1/retrieve", &query).await?.status, 404);
    bundle.stack.stop().await
}

#[tokio::test]
async fn a_jsonl_file_keeps_its_ids_and_a_bad_line_does_not_stop_the_rest() -> Result<()> {
    let bundle = Bundle::start(with_empty_database()?).await?;
    let folder = std::env::temp_dir().join(format!("navigator-ingest-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let file = folder.join("pages.jsonl");
    std::fs::write(
        &file,
        "{\"id\": \"p/1\", \"text\": \"x\"}\n{\"id\": \"page-1\", \"text\": \"Dental care is covered twice a year.\"}\nnot json\n{\"id\": \"page-2\", \"text\": \"Eye tests are covered once a year.\"}\n",
    )?;
    let report = ingest(bundle.stack.database_url().unwrap(), &file, "pages").await.unwrap_err().to_string();
    assert!(report.contains("line 3") || report.contains(":3"), "the bad line is named: {report}");
    let found = bundle.api.post("/v1/retrieve", &json!({"query": "dental care", "collection": "pages"})).await?.json();
    assert_eq!(found["passages"][0]["document_id"], json!("page-1"), "{found:#}");
    assert_eq!(found["got"], json!(2), "{found:#}");
    std::fs::remove_dir_all(folder)?;
    bundle.stack.stop().await
}

/// A file of one page; without a table of its objects, which readers look for then.
fn pdf(words: &str, trailer: &str) -> String {
    let operators = format!("BT /F1 10 Tf 72 700 Td ({words}) Tj ET");
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
    format!(
        "%PDF-1.4\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
         3 0 obj\n<< /Type /Page /Parent 2 0 R /Contents 4 0 R /Resources << /Font << /F1 {font} >> >> >>\nendobj\n\
         4 0 obj\n<< /Length {} >>\nstream\n{operators}\nendstream\nendobj\n\
         5 0 obj\n<< /Title (Glasses 2026) >>\nendobj\ntrailer\n<< /Root 1 0 R /Info 5 0 R {trailer} >>\n%%EOF\n",
        operators.len()
    )
}

#[tokio::test]
async fn a_pdf_is_found_by_its_words_and_a_locked_one_is_refused_by_name() -> Result<()> {
    let bundle = Bundle::start(with_empty_database()?).await?;
    let put = |file: String| {
        let content = BASE64.encode(file);
        let body = json!({"content_base64": content, "media_type": "application/pdf", "visibility": "private"});
        bundle.api.request(Method::PUT, PATH).json(&body)
    };
    let stored = Api::send(put(pdf("The plan pays for one pair of glasses each year.", ""))).await?;
    assert_eq!((stored.status, stored.json()["chunks"].clone()), (200, json!(1)), "{}", stored.text);
    let query = json!({"query": "how often are glasses covered", "collection": "benefits"});
    let found = bundle.api.post("/v1/retrieve", &query).await?.json();
    assert_eq!(found["passages"][0]["title"], json!("Glasses 2026"), "{found:#}");
    let locked = Api::send(put(pdf("Secret.", "/Encrypt << /Filter /Standard >>"))).await?;
    assert_eq!(locked.status, 400, "{}", locked.text);
    assert!(locked.text.contains("is an encrypted PDF"), "{}", locked.text);
    bundle.stack.stop().await
}
