//! Words that say what a number is. "claim E1540137296" and "F41.1" look alike; the nearest word before decides, and
//! words such as "form" or "CPT" say that the code that follows is nobody's.
//!
//! The words are folded as the view is (no accents), so one list serves every spelling.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::kind::Kind;
use super::view::View;

/// What a word says about a number or a date near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The number is of this kind.
    Id(Kind),
    /// The number is public: a form, a procedure code, a plan.
    Public,
    /// The date is a birthday.
    Birth,
    /// The date is an event in someone's life.
    Event,
}

/// A word that was found, in the view.
#[derive(Clone, Debug)]
pub(super) struct Cue {
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// What it says.
    pub(super) meaning: Meaning,
}

/// Farthest that a word before a number speaks for it, in bytes of the view.
const BEFORE: usize = 40;
/// Farthest that a word after a number speaks for it.
const AFTER: usize = 14;

/// All the words of a view in order.
#[derive(Debug)]
pub(super) struct Cues<'a> {
    bytes: &'a [u8],
    found: Vec<Cue>,
}

impl<'a> Cues<'a> {
    /// Finds the words of `view` in one pass.
    pub(super) fn scan(view: &'a View) -> Self {
        let bytes = view.bytes();
        let found = LEXICON.as_ref().map_or_else(Vec::new, |lexicon| lexicon.find(bytes));
        Self { bytes, found }
    }

    /// What the nearest word says of a number at `range`: the last one before it in the same sentence, else one that
    /// follows at once ("73445335 is my MRN").
    pub(super) fn of_number(&self, range: &Range<usize>) -> Option<Meaning> {
        let speaks = |meaning| matches!(meaning, Meaning::Id(_) | Meaning::Public);
        self.before(range, speaks).or_else(|| self.after(range, speaks))
    }

    /// What the words near a date at `range` say: a birthday, wherever one is named; else an event.
    pub(super) fn of_date(&self, range: &Range<usize>) -> Option<Meaning> {
        let birth = |meaning| meaning == Meaning::Birth;
        self.before(range, birth)
            .or_else(|| self.after(range, birth))
            .or_else(|| self.before(range, |meaning| meaning == Meaning::Event))
    }

    fn before(&self, range: &Range<usize>, speaks: impl Fn(Meaning) -> bool) -> Option<Meaning> {
        let end = self.found.partition_point(|cue| cue.range.start < range.start);
        self.found[..end]
            .iter()
            .rev()
            .take_while(|cue| range.start.saturating_sub(cue.range.end) <= BEFORE)
            .find(|cue| speaks(cue.meaning))
            .filter(|cue| cue.range.end > range.start || !ends_sentence(&self.bytes[cue.range.end..range.start]))
            .map(|cue| cue.meaning)
    }

    fn after(&self, range: &Range<usize>, speaks: impl Fn(Meaning) -> bool) -> Option<Meaning> {
        let start = self.found.partition_point(|cue| cue.range.start < range.end);
        let cue = self.found.get(start).filter(|cue| speaks(cue.meaning))?;
        let gap = &self.bytes[range.end..cue.range.start];
        (gap.len() <= AFTER && !gap.iter().any(|byte| b".,;:?!\n".contains(byte))).then_some(cue.meaning)
    }
}

/// Whether a sentence ends within `gap`: abbreviations such as "no." do not end one.
fn ends_sentence(gap: &[u8]) -> bool {
    let stop = |place: usize| match gap[place] {
        b'?' | b'!' => true,
        b'\n' => gap.get(place + 1) == Some(&b'\n'),
        b'.' => gap.get(place + 1) == Some(&b' ') && word_before(gap, place) > 3,
        _ => false,
    };
    (0..gap.len()).any(stop)
}

fn word_before(gap: &[u8], place: usize) -> usize {
    gap[..place].iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

struct Lexicon {
    automaton: AhoCorasick,
    meanings: Vec<Meaning>,
}

impl Lexicon {
    fn build() -> Option<Self> {
        let (words, meanings): (Vec<String>, Vec<Meaning>) = WORDS
            .iter()
            .flat_map(|(meaning, words)| words.split(',').map(|word| (word.trim(), *meaning)))
            .map(|(word, meaning)| (View::fold(word, &[]).text().to_owned(), meaning))
            .unzip();
        let automaton =
            AhoCorasick::builder().ascii_case_insensitive(true).match_kind(MatchKind::LeftmostLongest).build(words);
        Some(Self { automaton: automaton.ok()?, meanings })
    }

    fn find(&self, bytes: &[u8]) -> Vec<Cue> {
        self.automaton
            .find_iter(bytes)
            .filter(|found| is_word(bytes, found.range()))
            .map(|found| Cue { range: found.range(), meaning: self.meanings[found.pattern().as_usize()] })
            .collect()
    }
}

/// Whether `range` stands alone as a word, a plural "s" apart. Words of scripts without spaces need no boundary.
fn is_word(bytes: &[u8], range: Range<usize>) -> bool {
    if !bytes[range.start].is_ascii() {
        return true;
    }
    let rest = bytes[range.end..].strip_prefix(b"s").unwrap_or(&bytes[range.end..]);
    let opens = range.start == 0 || !bytes[range.start - 1].is_ascii_alphanumeric();
    opens && !rest.first().is_some_and(u8::is_ascii_alphabetic)
}

static LEXICON: LazyLock<Option<Lexicon>> = LazyLock::new(Lexicon::build);

/// Each line: what the words say, then the words of English, Spanish and the larger other languages of members.
const WORDS: &[(Meaning, &str)] = &[
    (
        Meaning::Id(Kind::Ssn),
        "ssn, ss#, social security, social security number, social, itin, seguro social, numero de seguro social, nss, \
         numéro de sécurité sociale, 社会安全号码, 社会安全号, 社安号, an sinh xã hội, segurança social, sekirite sosyal",
    ),
    (
        Meaning::Id(Kind::Member),
        "member, member id, member number, subscriber, subscriber id, subscriber number, policy, policy number, policy no, \
         policyholder, enrollee, beneficiary id, insurance id, insurance number, insurance card, health card, id, id number, \
         id card, medicare number, medicaid, medicaid id, medicaid number, hicn, miembro, número de miembro, afiliado, \
         afiliada, número de afiliado, póliza, número de póliza, asegurado, asegurada, suscriptor, suscriptora, \
         identificación, número de identificación, carnet, 会员, 會員, 会员号, 保单, 保單, 保单号, 保险号, thành viên, \
         mã hội viên, số hợp đồng, hợp đồng bảo hiểm, adhérent, numéro d'assuré, police, apólice, beneficiário, carteirinha, \
         manm, nimewo manm, полис, полиса, 회원, 회원번호, 가입자, miyembro, عضوية, رقم العضوية, mitglied, versicherung",
    ),
    (
        Meaning::Id(Kind::Group),
        "group, group number, group no, grp, grupo, número de grupo, groupe, gwoup, 团体, 团体号, nhóm",
    ),
    (
        Meaning::Id(Kind::Claim),
        "claim, claim number, claim no, claim id, case, case number, reference, reference number, ref, rx, rx number, prescription number, invoice, invoice number, confirmation, \
         confirmation number, authorization, authorization number, auth, referral, appeal, ticket, application id, \
         reclamo, reclamación, reclamos, caso, referencia, autorización, apelación, solicitud, expediente, 理赔, 索赔, \
         理赔号, 案件, bồi thường, sinistre, dossier, sinistro, reklamasyon, 청구, заявк, претензи",
    ),
    (
        Meaning::Id(Kind::Record),
        "mrn, medical record, medical record number, chart, chart number, patient id, patient number, patient, \
         historia clínica, historial médico, paciente, 病历, 病历号, hồ sơ bệnh án, dossier médical, prontuário",
    ),
    (
        Meaning::Id(Kind::Account),
        "account, account number, acct, acct no, checking, savings, iban, bank account, cuenta, número de cuenta, \
         cuenta bancaria, compte, conta, 账户, 帐户, 账号, tài khoản, kont, konto, счёт, 계좌",
    ),
    (Meaning::Id(Kind::Routing), "routing, routing number, aba, número de ruta"),
    (
        Meaning::Id(Kind::Card),
        "card, card number, credit card, debit card, cc, visa, mastercard, amex, tarjeta, tarjeta de crédito, carte, cartão, \
         信用卡, 卡号, thẻ, kat",
    ),
    (Meaning::Id(Kind::Npi), "npi, national provider"),
    (Meaning::Id(Kind::Dea), "dea, dea number"),
    (
        Meaning::Id(Kind::License),
        "license, licence, license number, driver license, driver's license, passport, plate, licencia, \
         pasaporte, matrícula, permis, passeport, carteira, 护照, 驾照, hộ chiếu",
    ),
    (
        Meaning::Id(Kind::Phone),
        "phone, phone number, telephone, tel, cell, cellphone, mobile, fax, call, call me, call me at, text me, reach me, \
         whatsapp, teléfono, tel., celular, móvil, llámame, llamarme, llámenme, 电话, 手机, 電話, điện thoại, téléphone, \
         portable, telefone, telefòn, телефон, 전화, telepono, هاتف, telefon, office",
    ),
    (
        Meaning::Id(Kind::Zip),
        "zip, zip code, zipcode, postal code, postcode, código postal, c.p., code postal, cep, 邮编, 邮政编码, mã bưu điện",
    ),
    (
        Meaning::Public,
        "form, forms, formulario, box, cpt, hcpcs, icd, icd-10, icd-10-cm, ndc, code, codes, código, códigos, plan, plans, part, \
         section, page, publication, pub, drg, modifier, rule, cfr, title, chapter, income, bill, salary, copay, deductible, \
         factura, ingresos, prima, premium, diagnosis, procedure, step, article, version, formulaire, 表格, mẫu",
    ),
    (
        Meaning::Birth,
        "born, born on, dob, d.o.b, date of birth, birth date, birthdate, birthday, nacido, nacida, nací, nació, \
         fecha de nacimiento, cumpleaños, 出生, 生日, 出生日期, sinh ngày, ngày sinh, née le, né le, date de naissance, \
         nascido, nascida, nascimento, dat nesans, дата рождения, родил, 생년월일, 생일, تاريخ الميلاد, geboren, kapanganakan",
    ),
    (
        Meaning::Event,
        "on, visit, seen, appointment, surgery, admitted, discharged, ends, ended, end, starts, started, terminated, \
         cancelled, since, dated, date of service, dos, added, el, del, desde, visita, cita, cirugía, termina, terminó, \
         empieza, fecha, le, em, no dia",
    ),
];
