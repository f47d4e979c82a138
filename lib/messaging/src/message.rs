//! What is sent, without a word about who takes it.

use billing::language::Language;

/// Category of a template at Meta. It decides the form of a message and its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Category {
    /// A login code. The template has a button that copies the code.
    Authentication,
    /// A bill, a receipt, a notice.
    Utility,
}

/// One message. It holds the same words twice: as a template with its parameters, for Meta, and as a text, for
/// everybody else.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    pub template: &'static str,
    pub category: Category,
    /// Language of the template and of `text`.
    pub language: Language,
    /// What fills `{{1}}`, `{{2}}` … of the template's body, in this order and number. Line breaks and runs of blanks,
    /// which Meta refuses, are made single blanks on the way out.
    pub parameters: Vec<String>,
    /// What follows the fixed beginning of the address of the template's button, such as the token of a pay page. Of an
    /// authentication template: the code. `None`: the template has no button with a gap.
    pub button: Option<String>,
    /// All words, for gateways that drive a linked phone. At most 4096 characters.
    pub text: String,
    /// Our id of the message. It comes back in statuses from Meta, also if the answer to the sending was lost.
    pub callback: String,
}

/// Shows which message it is and none of its words: they hold names, codes and tokens.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("template", &self.template)
            .field("callback", &self.callback)
            .finish_non_exhaustive()
    }
}
