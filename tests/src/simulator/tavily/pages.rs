//! The web as the simulated search knows it. The text is ours; the addresses show every class of site.

/// A page of the simulated web.
pub(super) struct Page {
    pub(super) title: &'static str,
    pub(super) url: &'static str,
    pub(super) content: &'static str,
    pub(super) published: Option<&'static str>,
}

pub(super) const PAGES: [Page; 8] = [
    Page {
        title: "What a deductible is",
        url: "https://www.healthcare.gov/simulated/deductible",
        content: "A deductible is what you pay for covered health services before your insurance plan begins to pay. \
                  Preventive care from a network provider is usually covered before the deductible.",
        published: None,
    },
    Page {
        title: "How to appeal a health insurance denial",
        url: "https://www.healthcare.gov/simulated/appeal",
        content: "You can appeal when your health insurance plan denies a claim or a prior authorization request. \
                  An internal appeal is due within 180 days of the denial notice; an external review may follow.",
        published: Some("Mon, 06 Jan 2025 09:00:00 GMT"),
    },
    Page {
        title: "Protection against surprise medical bills",
        url: "https://www.cms.gov/simulated/no-surprises",
        content: "The No Surprises Act bans balance billing for most emergency care, and for care by an \
                  out-of-network doctor at an in-network hospital. A surprise bill can be disputed.",
        published: Some("Tue, 04 Feb 2025 09:00:00 GMT"),
    },
    Page {
        title: "What Medicare Part B covers",
        url: "https://www.medicare.gov/simulated/part-b",
        content: "Medicare Part B covers doctor visits, outpatient care, preventive services and medical equipment. \
                  After the yearly deductible the patient usually pays 20 percent of the approved amount.",
        published: None,
    },
    Page {
        title: "COBRA continuation coverage",
        url: "https://www.dol.gov/simulated/cobra",
        content: "COBRA lets workers keep their employer's health coverage for 18 months or longer after losing a job. \
                  They have 60 days to choose it and may pay up to 102 percent of the premium.",
        published: Some("Wed, 05 Mar 2025 09:00:00 GMT"),
    },
    Page {
        title: "Filing a complaint with the state insurance department",
        url: "https://insurance.ca.gov/simulated/complaint",
        content: "A state insurance department takes complaints about a health insurance company, helps with an \
                  appeal and explains the independent medical review.",
        published: None,
    },
    Page {
        title: "Ten tips for open enrollment",
        url: "https://health-blog.example/open-enrollment",
        content: "Before open enrollment ends, compare the premium with the deductible, and check that your doctor and \
                  your prescription drugs are in the plan.",
        published: Some("Sat, 01 Nov 2025 09:00:00 GMT"),
    },
    Page {
        title: "Copay or coinsurance: what is the difference?",
        url: "https://insurance-magazine.example/copay-coinsurance",
        content: "A copay is a fixed amount for a visit or a prescription; coinsurance is a percentage of the cost of \
                  covered care after the deductible.",
        published: None,
    },
];
