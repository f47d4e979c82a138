//! Message templates as Meta keeps them: which there are, how many parameters each wants, and what a customer reads.
//!
//! <https://developers.facebook.com/docs/whatsapp/business-management-api/message-templates>. The words of an
//! authentication template are Meta's own and cannot be written; here too they are fixed, though they are others.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::refusal::Refusal;

const MAX_TEMPLATES: usize = 500;
/// Longest body with its parameters filled in.
const MAX_BODY: usize = 1024;
/// Templates that are there at the start: those that an installation of Lunas submits to Meta.
const SUBMITTED: &str = include_str!("../../../whatsapp-templates.json");

/// A template, as it is submitted.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Template {
    name: String,
    language: String,
    category: String,
    components: Vec<Value>,
}

/// The templates that Meta approved.
#[derive(Debug)]
pub(crate) struct Templates(Vec<Template>);

impl Default for Templates {
    fn default() -> Self {
        Self(serde_json::from_str(SUBMITTED).unwrap_or_default())
    }
}

impl Templates {
    /// Approves a template at once; one of the same name and language is replaced.
    pub(crate) fn submit(&mut self, template: Template) -> Result<(), Refusal> {
        let well_named = !template.name.is_empty()
            && template.name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let is_known = ["AUTHENTICATION", "UTILITY", "MARKETING"].contains(&template.category.as_str());
        if !well_named || !is_known || template.language.is_empty() {
            return Err(Refusal::new(100, "Invalid parameter"));
        }
        if template.is_authentication() != template.body().is_none_or(|body| body.get("text").is_none()) {
            return Err(Refusal::new(100, "An authentication template has no text of its own, any other has"));
        }
        self.0.retain(|other| (&other.name, &other.language) != (&template.name, &template.language));
        if self.0.len() >= MAX_TEMPLATES {
            return Err(Refusal::new(100, "Too many templates"));
        }
        self.0.push(template);
        Ok(())
    }

    pub(crate) fn all(&self) -> &[Template] {
        &self.0
    }

    /// What a customer reads, if name, language and parameters fit.
    pub(crate) fn render(&self, sent: &Value, link_base: &str) -> Result<String, Refusal> {
        let name = sent
            .get("name")
            .and_then(Value::as_str)
            .ok_or_else(|| Refusal::new(131_008, "Parameter name is missing"))?;
        let language = sent.pointer("/language/code").and_then(Value::as_str).unwrap_or_default();
        let template = self.0.iter().find(|template| template.name == name && template.language == language);
        let missing = || Refusal::new(132_001, format!("template name ({name}) does not exist in {language}"));
        template.ok_or_else(missing)?.render(sent, link_base)
    }
}

impl Template {
    fn is_authentication(&self) -> bool {
        self.category == "AUTHENTICATION"
    }

    fn component(&self, kind: &str) -> Option<&Value> {
        self.components.iter().find(|component| component.get("type").and_then(Value::as_str) == Some(kind))
    }

    fn body(&self) -> Option<&Value> {
        self.component("BODY")
    }

    /// The words with their gaps.
    fn words(&self) -> String {
        if !self.is_authentication() {
            let text = |kind| self.component(kind)?.get("text")?.as_str();
            return [text("HEADER"), text("BODY"), text("FOOTER")].into_iter().flatten().collect::<Vec<_>>().join("\n");
        }
        let minutes = self.component("FOOTER").and_then(|footer| footer.get("code_expiration_minutes")?.as_u64());
        match (self.language.as_str(), minutes) {
            ("id", Some(minutes)) => {
                format!("Kode masuk {{{{1}}}}. Demi keamanan, jangan bagikan kode ini. Berlaku {minutes} menit.")
            }
            ("id", None) => "Kode masuk {{1}}. Demi keamanan, jangan bagikan kode ini.".to_owned(),
            (_, Some(minutes)) => {
                format!(
                    "Login code {{{{1}}}}. For your security, do not share this code. It expires in {minutes} minutes."
                )
            }
            (_, None) => "Login code {{1}}. For your security, do not share this code.".to_owned(),
        }
    }

    fn render(&self, sent: &Value, link_base: &str) -> Result<String, Refusal> {
        let words = self.words();
        let wanted = (1..=20).take_while(|number| words.contains(&gap(*number))).count();
        let given = parameters(sent, "body")?;
        if given.len() != wanted {
            let details = format!(
                "body: number of localizable_params ({}) does not match the expected number of params ({wanted})",
                given.len()
            );
            return Err(Refusal::new(132_000, details));
        }
        let mut text = filled(&words, &given);
        if text.chars().count() > MAX_BODY {
            return Err(Refusal::new(132_005, "Translated text too long"));
        }
        if let Some(link) = self.link(sent, &given)? {
            text.push_str("\n\n");
            text.push_str(&link.replace("https://PUBLIC_URL", link_base));
        }
        Ok(text)
    }

    /// The button, where it has a gap: a link with its label, or the code once more.
    fn link(&self, sent: &Value, body: &[String]) -> Result<Option<String>, Refusal> {
        let button = self.component("BUTTONS").and_then(|buttons| buttons.pointer("/buttons/0"));
        let given = parameters(sent, "button")?;
        let url = button.and_then(|button| button.get("url")?.as_str()).filter(|url| url.contains("{{1}}"));
        if self.is_authentication() {
            let same = given.len() == 1 && given.first() == body.first();
            return if same {
                Ok(None)
            } else {
                Err(Refusal::new(131_008, "buttons: Button at index 0 of type Url requires a parameter"))
            };
        }
        match (url, given.as_slice()) {
            (Some(url), [suffix]) => {
                let label = button.and_then(|button| button.get("text")?.as_str()).unwrap_or_default();
                Ok(Some(format!("{label}: {}", url.replace("{{1}}", suffix))))
            }
            (Some(_), _) => Err(Refusal::new(131_008, "buttons: Button at index 0 of type Url requires a parameter")),
            (None, []) => Ok(None),
            (None, _) => Err(Refusal::new(132_018, "buttons: this template's button takes no parameter")),
        }
    }
}

fn gap(number: usize) -> String {
    format!("{{{{{number}}}}}")
}

/// Gaps are filled from the template's words only, never within a parameter.
fn filled(words: &str, parameters: &[String]) -> String {
    let mut text = String::new();
    let mut rest = words;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let found = after
            .split_once("}}")
            .and_then(|(number, after)| Some((parameters.get(number.parse::<usize>().ok()?.checked_sub(1)?)?, after)));
        if let Some((parameter, after)) = found {
            text.push_str(parameter);
            rest = after;
        } else {
            text.push_str("{{");
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

/// The texts of one component of a message.
fn parameters(sent: &Value, kind: &str) -> Result<Vec<String>, Refusal> {
    let components = sent.get("components").and_then(Value::as_array).into_iter().flatten();
    let mut texts = Vec::new();
    for component in components.filter(|component| component.get("type").and_then(Value::as_str) == Some(kind)) {
        for parameter in component.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            let text = parameter.get("text").and_then(Value::as_str).unwrap_or_default();
            if text.is_empty() {
                return Err(Refusal::new(131_008, "Required parameter is missing: text"));
            }
            if text.contains(['\n', '\r', '\t']) || text.contains("     ") {
                return Err(Refusal::new(
                    132_018,
                    "Param text cannot have new-line/tab characters or more than 4 consecutive spaces",
                ));
            }
            texts.push(text.to_owned());
        }
    }
    Ok(texts)
}
