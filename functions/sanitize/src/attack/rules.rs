//! The rules: lower-case ASCII byte patterns in English and Spanish, the plainest also in French and Portuguese.
//!
//! Most have the form verb × object within a few words. Written from the public literature on prompt injection; no
//! sentence is taken from a test set.

use shared::contract::sanitize::Direction;

/// Signals that mean the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// "Ignore all previous instructions."
    Override,
    /// "Your new task is", "from now on".
    NewTask,
    /// Tokens and headings that imitate the format of a prompt.
    RoleToken,
    /// "Print your system prompt."
    Leak,
    /// Passwords and codes that the model is thought to know.
    Credential,
    /// "You are now", "stay in character".
    Persona,
    /// Personas known by name.
    KnownPersona,
    /// "Without any restrictions", "unethical".
    NoRules,
    /// "Never refuse", "do not say that you cannot".
    NoRefusal,
    /// "I am your developer", "debug mode".
    Authority,
    /// Words put into the model's mouth.
    Parrot,
    /// Orders about the answer inside a document.
    Planted,
    /// "Send the conversation to".
    Exfiltration,
}

impl Family {
    /// The kind of the finding.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Persona | Self::KnownPersona | Self::NoRules | Self::NoRefusal => "jailbreak",
            Self::Exfiltration => "exfil",
            _ => "injection",
        }
    }

    pub(super) const fn is_about_instructions(self) -> bool {
        matches!(self, Self::Override | Self::Leak | Self::NewTask)
    }
}

/// One signal.
pub(super) struct Rule {
    /// Stable name, shown in findings.
    pub(super) id: &'static str,
    /// What it is a signal of.
    pub(super) family: Family,
    /// What it adds to the risk, 0 to 1.
    pub(super) weight: f64,
    /// Matches the folded, lower-cased text.
    pub(super) pattern: &'static str,
}

impl Rule {
    /// Orders about the answer are normal in a message and suspicious in a document.
    pub(super) fn applies(&self, direction: Direction) -> bool {
        self.family != Family::Planted || direction == Direction::Retrieved
    }
}

/// Matters of insurance and care that look like the objects of an attack.
pub(super) const INNOCENT: &str = r"\b(?:doctor|physician|provider|nurse|surgeon|pharmacist|hospital|discharge|dosage|dosing|dose|prescription|medication|medicine|bill|claim|denial|letter|eob|notice|premium|deductible|appointment|medico|doctora|receta|factura|reclamo|carta|aviso|medicina|cita)s?\b";

macro_rules! drop_verb {
    () => {
        r"\b(?:ignor(?:e|es|ing|a|ar|en|as|ez|iere)|disregard(?:ing|s)?|forget|neglect|overlook|overrid(?:e|ing)|bypass(?:ing)?|discard|erase|delete|nullify|violate|break|stop following|(?:do not|don't|dont|never|no longer) (?:follow|obey|listen to|adhere to)|pay no attention to|olvid(?:a|e|ar|en|ate)|omit(?:e|ir|a)|descart(?:a|e|ar)|desobedec\w+|no sigas|haz caso omiso de|no hagas caso a?|oubliez?|esquec[ae]|desconsider[ae]|vergiss)\b"
    };
}
macro_rules! which {
    () => {
        r"\b(?:all|any|every|everything|previous(?:ly)?|prior|preceding|above|earlier|former|initial|original|system|existing|current|your|these|those|following|future|last|foregoing|said|told|given|todas?|todos?|anterior(?:es)?|previas?|previos?|tus|sus|del sistema|toutes|precedentes|anteriores|suas|alle)\b"
    };
}
macro_rules! order {
    () => {
        r"\b(?:instructions?|instruct|prompts?|directives?|directions|commands?|orders|rules?|guidelines?|guidance|restrictions?|constraints?|programming|training|system messages?|conversation|messages?|context|everything|safeguards?|safety|filters?|content polic(?:y|ies)|principles|role|task|text|words|inputs?|instrucciones|indicaciones|directrices|ordenes|reglas|restricciones|mensajes?|contexto|programacion|consignes|regles|instrucoes|regras|anweisungen)\b"
    };
}
macro_rules! own {
    () => {
        r"\b(?:system prompts?|(?:initial|original|hidden|secret|first|full|entire|above|previous|starting|custom|developer|pre-?|base|own|exact) ?(?:prompts?|instructions|messages?|directives|configuration|text|words|rules)|your (?:\w+ ){0,2}(?:prompts?|instructions|directives|programming|system message|source code|configuration|code|rules|guidelines|initiali[sz]ation|training data)|prompt del sistema|(?:tu|tus|su|sus) (?:prompt|instrucciones|directrices|reglas|configuracion)|instrucciones (?:iniciales|originales|del sistema|ocultas)|(?:text|words|everything|all|sentences?|lines?|paragraphs?) (?:above|before this|prior to)|(?:the|these|those|all) instructions)\b"
    };
}
macro_rules! tell_verb {
    () => {
        r"\b(?:repeat|print|reveal|show|display|output|tell|write|give|say|summari[sz]e|translate|spell|copy|echo|recite|list|explain|describe|paraphrase|rephrase|rewrite|share|disclose|expose|leak|dump|read|send|encode|what (?:is|are|were|was|did)|what's|repite|muestra(?:me)?|revela(?:me)?|imprime|dime|escribe|cuales son|cual es|resume|traduce|explica|comparte|affiche|montre|mostre|revele)\b"
    };
}

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "INJ-01",
        family: Family::Override,
        weight: 0.85,
        pattern: concat!(drop_verb!(), r"[\w\s,'-]{0,24}?", which!(), r"[\w\s,'-]{0,36}?", order!()),
    },
    Rule {
        id: "INJ-02",
        family: Family::Override,
        weight: 0.4,
        pattern: concat!(drop_verb!(), r"[\w\s,'-]{0,16}?", order!()),
    },
    Rule {
        id: "INJ-03",
        family: Family::Override,
        weight: 0.75,
        pattern: concat!(
            drop_verb!(),
            r" (?:about )?(?:all|everything|anything|todo|tout|tudo)(?: of)?(?: the)? (?:above|before|previous|prior|preceding|that (?:i|you|was|came)|you (?:were|have been|know|saw|learned)|lo anterior|lo que)"
        ),
    },
    Rule {
        id: "INJ-04",
        family: Family::Override,
        weight: 0.5,
        pattern: r"\b(?:ignore|disregard|forget) (?:the |all )?(?:above|previous|prior|this|that|it|preceding|foregoing)\b",
    },
    Rule {
        id: "INJ-05",
        family: Family::NewTask,
        weight: 0.45,
        pattern: r"\b(?:new|real|actual|updated|revised|different|nuevas?|verdaderas?) (?:instructions?|rules?|task|prompt|role|objective|orders|directives?|instrucciones|reglas|tarea)\b|\byour (?:new|only|next|real) (?:task|role|job|purpose|instructions?|goal)\b|\b(?:instead|now)[, ]{1,2}(?:you (?:must|will|should|are)|please )?(?:say|print|write|output|respond|answer|do) ",
    },
    Rule {
        id: "INJ-06",
        family: Family::NewTask,
        weight: 0.3,
        pattern: r"\bfrom (?:now|this (?:point|moment)) on(?:wards?)?\b|\ba partir de (?:ahora|este momento)\b|\bde ahora en adelante\b|\bdesormais\b|\ba partir de agora\b|\bhenceforth\b",
    },
    Rule {
        id: "INJ-07",
        family: Family::RoleToken,
        weight: 0.6,
        pattern: r"<\|(?:im_start|im_end|endoftext|system|user|assistant|begin_of_text|eot_id)\|>|\[/?inst\]|<</?sys>>|</?(?:system|sys|instructions?|user|assistant|prompt)(?: \w+)?>|\[(?:system|admin|developer|assistant)[^\]\n]{0,30}\]|#{2,} ?(?:system|instruction|new instruction|response)s?\b",
    },
    Rule {
        id: "INJ-08",
        family: Family::RoleToken,
        weight: 0.35,
        pattern: r"(?:^|\n)\s*(?:system|assistant|developer|admin|ai|chatgpt|gpt)\s?:|[-=%#*~]{3,}\s?(?:begin|end|start|stop|system|user|new)\b|\b(?:end|beginning|start) of (?:the )?(?:prompt|instructions|system|user|input|conversation|context)|\bsystem (?:mode|override|message|notice)\b",
    },
    Rule {
        id: "INJ-09",
        family: Family::Leak,
        weight: 0.75,
        pattern: concat!(tell_verb!(), r"[\w\s,'-]{0,30}?", own!()),
    },
    Rule {
        id: "INJ-10",
        family: Family::Leak,
        weight: 0.5,
        pattern: r"\b(?:system prompt|prompt del sistema|your (?:initial |original |secret |hidden )?(?:prompt|instructions)|prompt injection|what (?:you were|were you) (?:told|instructed|given)|what comes? (?:before|after) (?:this|that|the)|tus instrucciones)\b",
    },
    Rule {
        id: "INJ-11",
        family: Family::Credential,
        weight: 0.55,
        pattern: r"\b(?:your|the|correct|secret|hidden|actual|real|tu|la) (?:\w+ ){0,2}(?:password|pass ?word|pass ?phrase|access code|passcode|code ?word|secret (?:code|key|word|phrase)|key ?word|security code|contrasena|clave secreta)\b",
    },
    Rule {
        id: "INJ-12",
        family: Family::Credential,
        weight: 0.6,
        pattern: r"\baccess (?:is )?(?:granted|denied|code)\b|\b(?:accurate|grant(?:ed)?|gain) access\b|\b(?:acceso concedido|acceso denegado)\b",
    },
    Rule {
        id: "INJ-13",
        family: Family::Authority,
        weight: 0.5,
        pattern: r"\b(?:i am|i'm|im|this is|soy) (?:your|the|an?|tu|el|la)(?: \w+)? ?(?:developer|creator|admin|administrator|maintainer|engineer|programmer|openai|desarrollador|creador|administrador)\b|\b(?:debug|developer|maintenance|admin|god|root|sudo|test|desarrollador|unlocked|training) mode\b|\bmodo (?:desarrollador|administrador|dios|depuracion)\b|\b(?:sudo|root access|admin override|override code)\b|\bmaintainer of your\b",
    },
    Rule {
        id: "INJ-14",
        family: Family::Parrot,
        weight: 0.4,
        pattern: r#"\b(?:just|only|simply|solo|exactly|always) (?:say|print|output|respond with|reply with|write|answer with|answer|return|di|responde|escribe)\b|\b(?:say|print|output|respond with|reply with|write|repeat|return)(?: \w+){0,4}[: ]{1,2}["'`]|\b(?:begin|start|end|finish) (?:your|the|every|each) (?:response|reply|answer|output|message|sentence)|\b(?:no explanation|nothing else|and nothing more|do not explain|verbatim|word for word)\b"#,
    },
    Rule {
        id: "INJ-15",
        family: Family::Planted,
        weight: 0.55,
        pattern: r"\b(?:your|the|tu|su) (?:\w+ )?(?:response|reply|answer|output|summary|respuesta)(?:'s)?\b",
    },
    Rule {
        id: "INJ-16",
        family: Family::Planted,
        weight: 0.6,
        pattern: r"\b(?:ai|llm|language model|chatbot|assistant|chatgpt)s? (?:should|must|reading|processing|that (?:reads|summari[sz]es)|are instructed)|\btell the (?:user|reader|patient)\b|\bwhen (?:summari[sz]ing|answering|asked about)|\bdo not (?:mention|tell|reveal|disclose) (?:this|that|the)",
    },
    Rule {
        id: "JBK-01",
        family: Family::KnownPersona,
        weight: 0.75,
        pattern: r"\bdo anything now\b|\bdan (?:mode|prompt|jailbreak|would|is|can|has|will)\b|\b(?:act|pretend|respond|answer|be|as|like) (?:like |as |to be )?(?:an? )?(?:dan|stan|dude|aim|evil)\b|\bjail ?br(?:eak|oken|eaking)\b|\bjailbroken\b|\bdeveloper mode\b|\bmodo desarrollador\b|\b(?:evil|unfiltered|amoral|unrestricted|uncensored|rogue) (?:\w+ )?(?:ai|bot|chatbot|assistant|confidant|version|model|character|being)\b|\bopposite mode\b|\bdeveloper output\b",
    },
    Rule {
        id: "JBK-02",
        family: Family::Persona,
        weight: 0.4,
        pattern: r"\byou are (?:now|going to (?:act|pretend|play|be|roleplay|simulate))\b|\b(?:you will|you are to|you must|i want you to|you're going to|lets|let's|we are going to|please) (?:now )?(?:act|pretend|role ?-?play|simulate|impersonate|play the role|behave|respond) (?:as|like|to be|that|a|in)\b|\bstay (?:in|as) (?:character|a|the)|\bbreak (?:of )?character\b|\bstay in character\b|\bahora eres\b|\b(?:actua|comportate|responde) como (?:un|una|si)\b|\bfinge (?:ser|que)\b|\bimmerse yourself\b|\btwo (?:separate |different )?(?:ways|responses|answers)\b",
    },
    Rule {
        id: "JBK-03",
        family: Family::Persona,
        weight: 0.15,
        pattern: r"\b(?:hypothetical|fictional|imaginary|alternate) (?:\w+ )?(?:story|scenario|world|conversation|response|character|universe|dialogue)\b|\bpretend (?:to be|that|you)\b|\brole ?-?play|\bact(?:ing)? as\b|\bcharacter named\b|\bplaying (?:a|the) (?:character|role)",
    },
    Rule {
        id: "JBK-04",
        family: Family::NoRules,
        weight: 0.6,
        pattern: r"\b(?:without|no|free (?:of|from)|not (?:bound|limited|restricted|constrained) by|not have(?: any)?|lacks?|ignor(?:es|ing)|has no|have no|regardless of|sin|sem|sans|freed? from|broken free|bypass(?:es|ing)?) (?:\w+ ){0,4}(?:filters?|censorship|ethics|ethical|moral(?:s|ity)?|guidelines|boundaries|filtros|censura)\b",
    },
    Rule {
        id: "JBK-08",
        family: Family::NoRules,
        weight: 0.4,
        pattern: r"\b(?:without|no|free (?:of|from)|not (?:bound|limited|restricted|constrained) by|not have(?: any)?|lacks?|ignor(?:es|ing)|has no|have no|regardless of|sin|sem|sans|freed? from|broken free|bypass(?:es|ing)?) (?:\w+ ){0,4}(?:restrictions?|limits|limitations|rules|polic(?:y|ies)|restricciones|limites|reglas|restricoes)\b",
    },
    Rule {
        id: "JBK-05",
        family: Family::NoRules,
        weight: 0.45,
        pattern: r"\b(?:unfiltered|uncensored|amoral|unrestricted|unethical|immoral|illegal|nsfw)\b(?:[\w\s,/&-]{0,60})\b(?:unfiltered|uncensored|amoral|unrestricted|unethical|immoral|illegal|nsfw|harmful|offensive|dangerous|explicit)\b|\b(?:openai|open ai|content|usage|community)(?:'s)? (?:polic(?:y|ies)|guidelines)\b",
    },
    Rule {
        id: "JBK-06",
        family: Family::NoRefusal,
        weight: 0.55,
        pattern: r"\b(?:never (?:ever )?|you (?:\w+ ){0,2}(?:not|cannot|can't|won't) |(?:does|do|will|it) not |doesn't |nunca te |no te )(?:refus(?:e|es|ing)|say (?:that )?(?:you|it|i) (?:can(?:not|'t)|are not able)|declin(?:e|ing)|reject|warn|moraliz|censor|apologi[sz]e|mention that|niegues)\b|\b(?:must|always|will|has to|have to) (?:always )?(?:comply|obey|answer (?:any|every|all)|accept any|fulfil+)\b|\bas an (?:ai|artificial)(?: language)? (?:model|intelligence)\b|\bi(?:'m| am) sorry,? (?:but )?i can(?:'t|not)\b|\bdisclaimers?\b|\byou (?:will|can|must) (?:never|not) (?:say|break|refuse|mention|admit)\b",
    },
    Rule {
        id: "JBK-07",
        family: Family::Persona,
        weight: 0.3,
        pattern: r"\b(?:hello|hi|hey|dear|listen|ok|okay),? (?:there )?(?:chat ?gpt|gpt|ai|bot)\b|\bchat ?gpt\b|\bgpt-?[345]\b|\bopen ?ai\b",
    },
    Rule {
        id: "EXF-01",
        family: Family::Exfiltration,
        weight: 0.65,
        pattern: r"\b(?:send|post|forward|e-?mail|upload|transmit|exfiltrate|submit|append|leak|envia|manda|reenvia)\b[\w\s,'-]{0,40}\b(?:conversation|chat|history|messages?|data|information|records?|details|context|prompt|ssn|credentials|secrets|conversacion|historial|datos)\b[\w\s,'-]{0,30}\b(?:to|into|al?)\b.{0,12}(?:https?:|www\.|\w+@|\burl\b|webhook|server|endpoint)",
    },
    Rule {
        id: "EXF-02",
        family: Family::Exfiltration,
        weight: 0.5,
        pattern: r"!\[[^\]\n]{0,200}\]\s?\(|<img\b|\b(?:fetch|curl|wget|xmlhttprequest)\b ?\(?['\x22 ]?https?:",
    },
];
