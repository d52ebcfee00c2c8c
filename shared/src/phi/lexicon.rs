//! What a word is to the name finder.
//!
//! `data/given_names.txt` and `data/surnames.txt` are the 1990 census name lists of the United States (public domain);
//! a star marks a name that is also an English word or a place.

use std::sync::LazyLock;

/// What a word can be in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A given name and little else.
    Given,
    /// A given name that is also a word or a place.
    GivenWord,
    /// A surname and little else.
    Surname,
    /// A surname that is also a word or a place.
    SurnameWord,
    /// "de", "van": inside a name only.
    Particle,
    /// "Dr.", "Sra.": a name follows.
    Title,
    /// Never part of a name here.
    Stop,
    /// Anything else.
    Unknown,
}

/// The class of a folded word, without regard to case.
pub(super) fn classify(word: &str) -> Class {
    let key = title_case(word);
    if STOP.binary_search(&key.as_str()).is_ok() || is_contraction(&key) {
        return Class::Stop;
    }
    if PARTICLES.contains(&word) {
        return Class::Particle;
    }
    if TITLES.contains(&key.as_str()) {
        return Class::Title;
    }
    match (find(&GIVEN, &key), find(&SURNAMES, &key)) {
        (Some(false), _) => Class::Given,
        (Some(true), _) => Class::GivenWord,
        (None, Some(false)) => Class::Surname,
        (None, Some(true)) => Class::SurnameWord,
        (None, None) => Class::Unknown,
    }
}

/// Whether `word` after a name makes it the name of a disease, a law, a place or a house.
pub(super) fn names_an_institution(word: &str) -> bool {
    INSTITUTIONS.iter().any(|institution| institution.eq_ignore_ascii_case(word))
}

/// "I'm", "Don't", "We'll".
fn is_contraction(key: &str) -> bool {
    ["'m", "'t", "'re", "'ve", "'ll", "'d"].iter().any(|ending| key.ends_with(ending))
}

/// Whether a place's name goes on after `word`.
pub(super) fn opens_a_place(word: &str) -> bool {
    PLACES.contains(&word)
}

/// Whether the sorted `list` has `key`, and whether starred there.
fn find(list: &[&str], key: &str) -> Option<bool> {
    let index = list.binary_search_by_key(&key, |entry| entry.trim_end_matches('*')).ok()?;
    Some(list[index].ends_with('*'))
}

fn title_case(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters.flat_map(char::to_lowercase)).collect())
}

static GIVEN: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("data/given_names.txt").lines().collect());
static SURNAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| include_str!("data/surnames.txt").lines().collect());
static STOP: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let mut words: Vec<_> = STOP_WORDS.split_whitespace().collect();
    words.sort_unstable();
    words
});

const PARTICLES: [&str; 14] =
    ["de", "la", "las", "los", "del", "da", "do", "dos", "van", "von", "der", "den", "bin", "al"];

const TITLES: [&str; 19] = [
    "Mr", "Mrs", "Ms", "Miss", "Mx", "Dr", "Dra", "Doctor", "Doctora", "Sr", "Sra", "Srta", "Senor", "Senora",
    "Senorita", "Don", "Dona", "Nurse", "Prof",
];

const PLACES: [&str; 20] = [
    "San",
    "Santa",
    "Saint",
    "St",
    "Los",
    "Las",
    "El",
    "La",
    "Fort",
    "Port",
    "Lake",
    "Mount",
    "New",
    "North",
    "South",
    "East",
    "West",
    "Hurricane",
    "County",
    "Fort",
];

const INSTITUTIONS: [&str; 30] = [
    "disease",
    "syndrome",
    "lymphoma",
    "sarcoma",
    "palsy",
    "act",
    "law",
    "rule",
    "foundation",
    "clinic",
    "hospital",
    "hospitals",
    "medical",
    "health",
    "healthcare",
    "center",
    "university",
    "college",
    "county",
    "beach",
    "city",
    "institute",
    "company",
    "insurance",
    "plan",
    "test",
    "scan",
    "procedure",
    "pharmacy",
    "school",
];

/// Capitalised words of insurance, medicine and the start of sentences that follow an introduction without being names.
const STOP_WORDS: &str = "\
    A About Accident Account Act Actually Address Advantage Advocate Affordable After All Also Am American An And Anthem Any Appeal Appeals Apple Are As At Authorization \
    Aetna Ambetter Be Because Before Behavioral Benefit Benefits Best Beneficiary Billing Blue Board Bronze But By Call Can Card Care Caregiver Center Centers Certificate Change \
    Child Children Chip Choice Cigna Claim Claims Clinic Cms Co Cobra Code Company Consumer Contact Copay Cost Could Coverage Cross Customer Date Deductible Dental Department \
    Dependent Dependents Did Directory Disability Do Does Dob Drug El Ella Email Emergency Employee Employer En English Eob Epo Este Esta Every Exchange External Family Federal \
    Female File For Form From General Gold Good Group Guide Had Has Have He Health Healthcare Hello Help Her Here Hi His Hmo Home Hospice Hospital How However Hsa Humana I Id If In \
    Income Individual Information Insurance Internal Irs Is It Its Kaiser La Las Letter Life Limited Lo Los Loss Male Marketplace Me Medicaid Medical Medicare Medicine \
    Medigap Member Members Membership Mental Mi Monday Most Much My Name Network New No Not Npi Number Of Office On Open Option Or Original Our Out Over Parent Part \
    Parte Patient Patients Pay Payer Payment Permanente Pero Pharmacy Phone Physician Plan Planes Plans Platinum Please Plus Policy Pos Por Portal Power Ppo Preferred Premium Preventive \
    Primary Prior Privacy Private Program Protection Provider Providers Que Question Quiero Quality Re Record Records Referral Relations Representative Responsibility Right Rights San Security \
    Service Services She Shield Should Si Silver Sir Madam Sin Skilled So Social Some Special Specialist Ssn State States Su Summary Support Tax Tengo Term Thank Thanks That The Their There \
    These They This Those Through To Today Trust Tu Un Una Under United Urgent Us Usa Use Veterans Vision Was Way We Website What When Where Which While Who Why Wellcare Will With \
    Workers Would Y Yes You Your Tuesday Wednesday Thursday Friday Saturday Sunday January February March    July September October November December \
    Enero Febrero Marzo Abril Mayo Junio Julio Agosto Septiembre Octubre Noviembre Diciembre Como Cual Cuando Cuanto Donde Puedo Pueden Necesito Gracias Seguro Ingles Espanol \
    Spanish French Chinese Hispanic Latino African Asian European Indian God Christmas Easter Internet Google Facebook Medicaid's Humira Ozempic Advisor Agent Agency Nombre Buenos Buenas Dia";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_names_from_words() {
        assert_eq!(classify("Rebecca"), Class::Given);
        assert_eq!(classify("Mark"), Class::GivenWord);
        assert_eq!(classify("GONZALEZ"), Class::Surname);
        assert_eq!(classify("Medicare"), Class::Stop);
        assert_eq!(classify("Krisztian"), Class::Unknown);
    }

    #[test]
    fn the_lists_are_sorted() {
        assert!(GIVEN.is_sorted_by_key(|entry| entry.trim_end_matches('*')));
        assert!(SURNAMES.is_sorted_by_key(|entry| entry.trim_end_matches('*')));
    }
}
