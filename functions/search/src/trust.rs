//! How far to trust a host, by what it is. A class, not a verdict on the page.

use shared::contract::search::Trust;

/// The class of a lower-case host name.
pub fn of_host(host: &str) -> Trust {
    let is_under = |domain: &&str| host == *domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'));
    if GOVERNMENT.iter().any(is_under) {
        return Trust::Government;
    }
    if EDUCATION.iter().any(is_under) {
        return Trust::Education;
    }
    if ESTABLISHED.iter().any(is_under) { Trust::Established } else { Trust::Other }
}

/// Domains that only governments of the United States can have.
const GOVERNMENT: [&str; 4] = ["gov", "mil", "state.us", "fed.us"];

const EDUCATION: [&str; 1] = ["edu"];

/// Insurers, and non-profits that explain insurance to their members.
const ESTABLISHED: [&str; 36] = [
    "aarp.org",
    "aetna.com",
    "ahip.org",
    "ambetterhealth.com",
    "anthem.com",
    "bcbs.com",
    "cancer.org",
    "centene.com",
    "cigna.com",
    "clevelandclinic.org",
    "commonwealthfund.org",
    "deltadental.com",
    "diabetes.org",
    "elevancehealth.com",
    "familiesusa.org",
    "floridablue.com",
    "healthnet.com",
    "heart.org",
    "highmark.com",
    "hioscar.com",
    "humana.com",
    "kaiserpermanente.org",
    "kff.org",
    "mayoclinic.org",
    "medicareadvocacy.org",
    "medicareinteractive.org",
    "medicarerights.org",
    "molinahealthcare.com",
    "naic.org",
    "ncoa.org",
    "patientadvocate.org",
    "shiphelp.org",
    "uhc.com",
    "unitedhealthgroup.com",
    "vsp.com",
    "wellcare.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_the_end_of_the_host() {
        assert_eq!(of_host("www.medicare.gov"), Trust::Government);
        assert_eq!(of_host("hsph.harvard.edu"), Trust::Education);
        assert_eq!(of_host("www.aetna.com"), Trust::Established);
        for host in ["medicare.gov.evil.example", "notaetna.com", "gov.example", "example.org"] {
            assert_eq!(of_host(host), Trust::Other, "{host}");
        }
    }
}
