//! `PUT`, `DELETE` and `GET` of documents.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use http::StatusCode;
use shared::{
    contract::retrieve::{DocumentPage, DocumentStored, PutDocument, Visibility},
    principal::SHARE_DOCUMENTS,
    problem::Problem,
    serve::{Call, Reply},
};

use super::Retrieve;
use crate::{
    document::{DEFAULT_COLLECTION, Document, DocumentKey, identifier},
    error::Error,
    extract::{ExtractError, Format, extract},
    indexing,
    store::Position,
    text::PlainText,
};

const DEFAULT_PAGE: usize = 50;
const LARGEST_PAGE: usize = 200;

impl Retrieve {
    pub(super) async fn put_document(&self, call: &Call) -> Result<Reply, Problem> {
        let key = key(call)?;
        let body: PutDocument = call.json()?;
        if body.visibility == Visibility::Shared && !call.principal.has_scope(SHARE_DOCUMENTS) {
            return Err(Error::Forbidden("sharing a document needs the scope documents:share").into());
        }
        indexing::admit(body.visibility, self.embedder()?)?;
        let _place = self.writes().enter(call.deadline).await?;
        Reply::ok(&self.stored(call, key, body).await?)
    }

    pub(super) async fn delete_document(&self, call: &Call) -> Result<Reply, Problem> {
        let deleted = self.store()?.delete(call.deadline, &call.principal.subject, &key(call)?).await?;
        if deleted { Ok(Reply::empty(StatusCode::NO_CONTENT)) } else { Err(Error::NotFound("the document").into()) }
    }

    pub(super) async fn list_documents(&self, call: &Call) -> Result<Reply, Problem> {
        let collection = collection(call)?;
        let limit = limit(call)?;
        let after = call.query.get("cursor").map_or(Ok(Position::default()), |cursor| position(cursor))?;
        // One more than asked tells whether there is a next page.
        let ask = i64::try_from(limit + 1).unwrap_or(i64::MAX);
        let mut entries = self.store()?.list(call.deadline, &call.principal.subject, &collection, &after, ask).await?;
        let more = entries.len() > limit;
        entries.truncate(limit);
        let next_cursor = entries.last().filter(|_| more).map(|(last, _)| cursor(last));
        let documents = entries.into_iter().map(|(_, summary)| summary).collect();
        Reply::ok(&DocumentPage { documents, next_cursor })
    }

    async fn stored(&self, call: &Call, key: DocumentKey, body: PutDocument) -> Result<DocumentStored, Error> {
        let (store, embedder) = (self.store()?, self.embedder()?);
        let max_bytes = self.core.policy().retrieve.max_document_bytes;
        let (model, owner) = (embedder.model().to_owned(), &call.principal.subject);
        let read = move || {
            let document = document(key, body, max_bytes)?;
            let sha256 = document.sha256(&model);
            Ok::<_, Error>((Arc::new(document), sha256))
        };
        let (document, sha256) = embedder.compute(call.deadline, read).await??;
        let DocumentKey { collection, id } = document.key.clone();
        let known = store.known(call.deadline, owner, &collection, &[&id]).await?.remove(&id);
        if let Some(known) = known.filter(|known| known.sha256 == sha256) {
            let chunks = usize::try_from(known.chunks).unwrap_or_default();
            return Ok(DocumentStored { document_id: id, collection, chunks, changed: false });
        }
        let chunks = indexing::index(call.deadline, &document, embedder).await?;
        store.put(call.deadline, owner, &document, embedder.model(), &chunks).await?;
        Ok(DocumentStored { document_id: id, collection, chunks: chunks.len(), changed: true })
    }
}

/// Reads what came: text, or a file.
fn document(key: DocumentKey, body: PutDocument, max_bytes: usize) -> Result<Document, Error> {
    let PutDocument { title, url, text, content_base64, media_type, language, visibility } = body;
    let content = match (text, content_base64, media_type) {
        (Some(text), None, None) if text.len() > max_bytes => return Err(too_large("text", max_bytes)),
        (Some(text), None, None) => PlainText::plain(&text),
        (None, Some(content), Some(media_type)) => file(&content, &media_type, max_bytes)?,
        (None, Some(_), None) => return Err(Error::invalid("media_type", "is required with content_base64")),
        _ => return Err(Error::invalid("text", "expected either text, or content_base64 and media_type")),
    };
    Document::new(key, title, url, language.as_deref(), visibility, content)
}

fn file(content: &str, media_type: &str, max_bytes: usize) -> Result<PlainText, Error> {
    let format = Format::of_media_type(media_type).ok_or(Error::UnsupportedMedia(Format::ACCEPTED))?;
    if content.len() / 4 * 3 > max_bytes + 2 {
        return Err(too_large("content_base64", max_bytes));
    }
    let bytes = BASE64.decode(content).map_err(|_| Error::invalid("content_base64", "expected base64"))?;
    if bytes.len() > max_bytes {
        return Err(too_large("content_base64", max_bytes));
    }
    let refused = |error: ExtractError| Error::invalid("content_base64", &error.to_string());
    let (text, _) = extract(format, &bytes).map_err(refused)?;
    // Formats that are packed have more to say than their size tells.
    if text.text.len() > max_bytes { Err(too_large("content_base64", max_bytes)) } else { Ok(text) }
}

fn too_large(field: &'static str, limit: usize) -> Error {
    Error::TooLarge { field, limit, unit: "bytes" }
}

fn key(call: &Call) -> Result<DocumentKey, Error> {
    DocumentKey::new(&collection(call)?, call.params.first().map_or("", String::as_str))
}

fn collection(call: &Call) -> Result<String, Error> {
    identifier("collection", call.query.get("collection").map_or(DEFAULT_COLLECTION, String::as_str))
}

fn limit(call: &Call) -> Result<usize, Error> {
    let Some(limit) = call.query.get("limit") else { return Ok(DEFAULT_PAGE) };
    let limit = limit.parse().ok().filter(|limit| (1..=LARGEST_PAGE).contains(limit));
    limit.ok_or_else(|| Error::invalid("limit", &format!("expected 1 to {LARGEST_PAGE}")))
}

/// Opaque to clients: the number and the id of the last document.
fn cursor(last: &Position) -> String {
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(format!("{}.{}", last.document, last.id))
}

fn position(cursor: &str) -> Result<Position, Error> {
    let invalid = || Error::invalid("cursor", "expected next_cursor of the page before");
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(cursor).map_err(|_| invalid())?;
    let text = String::from_utf8(bytes).map_err(|_| invalid())?;
    let (document, id) = text.split_once('.').ok_or_else(invalid)?;
    Ok(Position { id: identifier("cursor", id)?, document: document.parse().map_err(|_| invalid())? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 64;

    fn read(change: impl FnOnce(&mut PutDocument)) -> Result<Document, Error> {
        let mut body = PutDocument::default();
        change(&mut body);
        document(DocumentKey::new("default", "a").unwrap(), body, LIMIT)
    }

    fn file_of(bytes: &[u8], media_type: &str) -> Result<Document, Error> {
        read(|body| {
            body.content_base64 = Some(BASE64.encode(bytes));
            body.media_type = Some(media_type.into());
        })
    }

    #[test]
    fn text_or_a_file_but_not_both_and_not_neither() {
        assert!(read(|body| body.text = Some("Words.".into())).is_ok());
        assert_eq!(file_of(b"<p>Words.", "text/html").unwrap().content.text, "Words.");
        let both = read(|body| (body.text, body.content_base64) = (Some("a".into()), Some("YQ==".into())));
        assert!(matches!(both, Err(Error::Invalid { .. })));
        assert!(matches!(read(|_| ()), Err(Error::Invalid { .. })));
    }

    #[test]
    fn each_refusal_has_its_kind() {
        assert!(matches!(file_of(b"PNG", "image/png"), Err(Error::UnsupportedMedia(_))));
        assert!(matches!(file_of(b"%PDF-1.7", "application/pdf"), Err(Error::Invalid { .. })));
        assert!(matches!(file_of(&[b'a'; LIMIT + 1], "text/plain"), Err(Error::TooLarge { .. })));
        assert!(matches!(file_of(b"a\0", "text/plain"), Err(Error::Invalid { .. })));
        assert!(matches!(read(|body| body.text = Some("a\0".into())), Err(Error::Invalid { .. })));
        assert!(matches!(read(|body| body.text = Some("a".repeat(LIMIT + 1))), Err(Error::TooLarge { .. })));
        assert!(matches!(read(|body| body.text = Some(" ".into())), Err(Error::Invalid { .. })));
    }

    #[test]
    fn a_cursor_leads_back_to_its_place() {
        let last = Position { id: "hg-1.2".into(), document: 42 };
        assert_eq!(position(&cursor(&last)).unwrap(), last);
        assert!(["", "!", "YWJj"].iter().all(|bad| position(bad).is_err()));
    }
}
