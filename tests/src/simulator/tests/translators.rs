//! What the two translators answer when they are well.

use serde_json::json;

use super::{Provider, client, json_of, simulator};

#[tokio::test]
async fn libretranslate_takes_json_and_forms() {
    let simulator = simulator();
    let url = format!("{}/translate", simulator.base_url(Provider::LibreTranslate));
    let fields = json!({"q": ["¿Qué cubre?", "A bill"], "source": "auto", "target": "fr"});
    let (_, body) = json_of(client().post(&url).json(&fields).send().await.unwrap()).await;
    assert_eq!(body["translatedText"], json!(["«simulated fr» ¿Qué cubre?", "«simulated fr» A bill"]));
    assert_eq!(body["detectedLanguage"][0]["language"], "es");
    let form = [("q", "a & b + c"), ("source", "en"), ("target", "es")];
    let (_, body) = json_of(client().post(&url).form(&form).send().await.unwrap()).await;
    assert_eq!(body, json!({"translatedText": "«simulated es» a & b + c"}));
}

#[tokio::test]
async fn libretranslate_names_what_is_wrong() {
    let simulator = simulator();
    let url = format!("{}/translate", simulator.base_url(Provider::LibreTranslate));
    let fields = json!({"q": "A bill", "source": "en", "target": "xx"});
    let (status, body) = json_of(client().post(&url).json(&fields).send().await.unwrap()).await;
    assert_eq!((status, body), (400, json!({"error": "xx is not supported"})));
    let (status, _) = json_of(client().post(&url).json(&json!({})).send().await.unwrap()).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn apertium_translates_by_query_and_by_form() {
    let simulator = simulator();
    let base = simulator.base_url(Provider::Apertium);
    let url = format!("{base}/translate?langpair=eng%7Cspa&q=my%20plan%20%26%20me");
    let (_, body) = json_of(client().get(url).send().await.unwrap()).await;
    assert_eq!(body["responseData"]["translatedText"], "«simulated spa» my plan & me");
    assert_eq!(body["responseStatus"], 200);
    let form = [("langpair", "es|en"), ("q", "«simulated es» my plan")];
    let request = client().post(format!("{base}/translate")).form(&form);
    let (_, body) = json_of(request.send().await.unwrap()).await;
    assert_eq!(body["responseData"]["translatedText"], "my plan");
}

#[tokio::test]
async fn apertium_lists_its_pairs_and_refuses_others() {
    let simulator = simulator();
    let base = simulator.base_url(Provider::Apertium);
    let (_, body) = json_of(client().get(format!("{base}/listPairs")).send().await.unwrap()).await;
    let pair = json!({"sourceLanguage": "eng", "targetLanguage": "spa"});
    assert_eq!(body["responseData"][0], pair);
    let url = format!("{base}/translate?langpair=eng%7Cdeu&q=plan");
    let (status, body) = json_of(client().get(url).send().await.unwrap()).await;
    assert_eq!((status, &body["explanation"]), (400, &json!("That pair is not installed")));
}
