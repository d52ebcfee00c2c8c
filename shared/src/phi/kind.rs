//! The kinds of patient data, each with its wire name and its placeholder label.

/// One kind of identifying data. The HIPAA Safe Harbor letter (45 CFR 164.514(b)(2)) is named where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Social Security number (G).
    Ssn,
    /// Individual taxpayer identification number (G).
    Itin,
    /// Medicare Beneficiary Identifier (I).
    Mbi,
    /// National Provider Identifier (K).
    Npi,
    /// Drug Enforcement Administration registration (K).
    Dea,
    /// Payment card number (J).
    Card,
    /// International bank account number (J).
    Iban,
    /// Bank routing number (J).
    Routing,
    /// Account number of a bank or a portal (J).
    Account,
    /// Vehicle identification number (L).
    Vin,
    /// Telephone or fax number (D, E).
    Phone,
    /// E-mail address (F).
    Email,
    /// Address of a personal web page (N).
    Url,
    /// Internet protocol address (O).
    Ip,
    /// Hardware address of a device (M).
    Mac,
    /// Date of birth (C).
    Birth,
    /// Any other date that is finer than a year (C).
    Date,
    /// An age above 89 (C).
    Age,
    /// ZIP or postal code (B).
    Zip,
    /// Street address (B).
    Address,
    /// Member, subscriber or policy number (I).
    Member,
    /// Number of an employer's group (I).
    Group,
    /// Number of a claim, case, referral or authorisation (I).
    Claim,
    /// Medical record number (H).
    Record,
    /// Licence, passport or plate (K, L).
    License,
    /// A person's name (A).
    Person,
    /// Not personal, and nobody's business: a key or token.
    Secret,
    /// Not personal: text that looked like a placeholder and was set aside.
    Literal,
}

impl Kind {
    /// Every kind, in the order of declaration.
    pub const ALL: [Self; 28] = [
        Self::Ssn,
        Self::Itin,
        Self::Mbi,
        Self::Npi,
        Self::Dea,
        Self::Card,
        Self::Iban,
        Self::Routing,
        Self::Account,
        Self::Vin,
        Self::Phone,
        Self::Email,
        Self::Url,
        Self::Ip,
        Self::Mac,
        Self::Birth,
        Self::Date,
        Self::Age,
        Self::Zip,
        Self::Address,
        Self::Member,
        Self::Group,
        Self::Claim,
        Self::Record,
        Self::License,
        Self::Person,
        Self::Secret,
        Self::Literal,
    ];

    /// The kind on the wire, such as `phi.ssn`.
    pub const fn name(self) -> &'static str {
        self.spec().0
    }

    /// The word in the placeholder, such as `SSN`.
    pub const fn label(self) -> &'static str {
        self.spec().1
    }

    /// The kind whose placeholder label this is, without regard to case.
    pub fn from_label(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.label().eq_ignore_ascii_case(label))
    }

    /// Whether public text (a page, an answer) rightly contains values of this kind: a hotline, a deadline,
    /// an office's address, a doctor's name. Such kinds are masked only in what a patient writes.
    pub const fn is_public_fact(self) -> bool {
        matches!(
            self,
            Self::Npi
                | Self::Phone
                | Self::Email
                | Self::Url
                | Self::Date
                | Self::Age
                | Self::Zip
                | Self::Address
                | Self::Person
        )
    }

    const fn spec(self) -> (&'static str, &'static str) {
        match self {
            Self::Ssn => ("phi.ssn", "SSN"),
            Self::Itin => ("phi.itin", "ITIN"),
            Self::Mbi => ("phi.mbi", "MBI"),
            Self::Npi => ("phi.npi", "NPI"),
            Self::Dea => ("phi.dea", "DEA"),
            Self::Card => ("phi.card", "CARD"),
            Self::Iban => ("phi.iban", "IBAN"),
            Self::Routing => ("phi.routing", "ROUTING"),
            Self::Account => ("phi.account", "ACCOUNT"),
            Self::Vin => ("phi.vin", "VIN"),
            Self::Phone => ("phi.phone", "PHONE"),
            Self::Email => ("phi.email", "EMAIL"),
            Self::Url => ("phi.url", "URL"),
            Self::Ip => ("phi.ip", "IP"),
            Self::Mac => ("phi.mac", "MAC"),
            Self::Birth => ("phi.dob", "DOB"),
            Self::Date => ("phi.date", "DATE"),
            Self::Age => ("phi.age", "AGE"),
            Self::Zip => ("phi.zip", "ZIP"),
            Self::Address => ("phi.address", "ADDRESS"),
            Self::Member => ("phi.member_id", "MEMBER"),
            Self::Group => ("phi.group", "GROUP"),
            Self::Claim => ("phi.claim", "CLAIM"),
            Self::Record => ("phi.mrn", "MRN"),
            Self::License => ("phi.license", "LICENSE"),
            Self::Person => ("phi.person", "PERSON"),
            Self::Secret => ("secret", "SECRET"),
            Self::Literal => ("literal", "LITERAL"),
        }
    }
}
