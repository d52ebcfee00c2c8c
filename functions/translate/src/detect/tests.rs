//! What detection promises.

use super::*;

fn detect(text: &str) -> Detection {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(Detector::new);
    DETECTOR.detect(text)
}

#[test]
fn scripts_decide_at_once() {
    let cases = [
        ("보험이 수술을 보장하나요?", "ko"),
        ("我的保险包括手术吗？", "zh"),
        ("私の保険は手術をカバーしますか", "ja"),
        ("मेरी बीमा योजना क्या है", "hi"),
        ("મારી વીમા યોજના શું છે", "gu"),
        ("ประกันของฉันครอบคลุมอะไรบ้าง", "th"),
        ("የእኔ ኢንሹራንስ ምን ይሸፍናል", "am"),
        ("តើធានារ៉ាប់រងរបស់ខ្ញុំ", "km"),
        ("ປະກັນໄພຂອງຂ້ອຍ", "lo"),
        ("מה הביטוח שלי מכסה", "he"),
        ("Τι καλύπτει η ασφάλειά μου", "el"),
    ];
    for (text, code) in cases {
        let detection = detect(text);
        assert_eq!(detection.code(), code, "{text}");
        assert!(detection.confidence() > 0.9, "{text}: {detection:?}");
    }
}

#[test]
fn languages_that_share_a_script_are_told_apart() {
    let cases = [
        ("Why was my claim denied and how do I appeal?", "en"),
        ("¿Por qué mi seguro negó la autorización previa?", "es"),
        ("Bảo hiểm của tôi có chi trả ca phẫu thuật không?", "vi"),
        ("Sakop ba ng aking insurance ang operasyon?", "tl"),
        ("Pourquoi ma demande a-t-elle été refusée ?", "fr"),
        ("O meu seguro cobre a cirurgia?", "pt"),
        ("Caymiskaygu ma daboolayaa qalliinka?", "so"),
        ("Czy moje ubezpieczenie pokrywa operację?", "pl"),
        ("Покрывает ли моя страховка операцию?", "ru"),
        ("Чи покриває моя страховка операцію?", "uk"),
        ("هل يغطي التأمين الخاص بي الجراحة؟", "ar"),
        ("آیا بیمه من هزینه جراحی را پوشش می‌دهد؟", "fa"),
        ("کیا میرا بیمہ سرجری کا خرچہ اٹھاتا ہے؟", "ur"),
        ("Poukisa asirans mwen an refize peye pou vizit lopital la?", "ht"),
    ];
    for (text, code) in cases {
        let detection = detect(text);
        assert_eq!(detection.code(), code, "{detection:?}");
        assert!(detection.accepted().is_some(), "{detection:?}");
    }
}

#[test]
fn a_few_letters_claim_no_confidence() {
    for text in ["ok", "hola", "no", "apelación", "sí", "да", "لا"] {
        let detection = detect(text);
        assert!(detection.confidence() <= SHORT_CONFIDENCE, "{text}: {detection:?}");
    }
}

#[test]
fn domain_words_and_protected_parts_say_nothing() {
    for text in ["COBRA", "Medicare HMO?", "COBRA [CLAIM_1] https://www.medicare.gov"] {
        assert_eq!((detect(text).code(), detect(text).accepted()), ("en", None), "{text}");
    }
    assert_eq!(detect("¿Qué es COBRA?").code(), "es");
}

#[test]
fn without_letters_there_is_no_language() {
    for text in ["", "12.50", "🙂", "[SSN_1]", "?!"] {
        assert_eq!((detect(text).code(), detect(text).confidence()), (UNDETERMINED, 0.0), "{text}");
    }
}

#[test]
fn two_languages_in_one_text_are_said_to_be_mixed() {
    assert!(detect("请问我的 deductible 和 coinsurance 是什么意思").mixed);
    assert!(detect("necesito help con mi deductible please").mixed);
    assert!(!detect("I would like to know what my plan covers this year").mixed);
}

#[test]
fn confidences_are_probabilities_in_order() {
    for text in ["necesito help con mi deductible please", "прокол шины", "我的 plan", "ok"] {
        let candidates = detect(text).candidates;
        assert!(candidates.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{text}");
        assert!(candidates.iter().map(|(_, probability)| probability).sum::<f64>() <= 1.0 + 1e-9, "{text}");
    }
}

#[test]
fn a_long_text_costs_no_more_than_its_beginning() {
    let (words, _) = own_words(&"palabra ".repeat(10_000));
    assert!(words.chars().count() <= MAX_CHARS);
}
