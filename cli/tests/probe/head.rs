//! What both endpoints in memory read from a head.

use super::endpoint::Endpoint;
use super::faults::Fault::*;

impl Endpoint {
    /// Takes a head apart: the words of its first line, and its fields.
    pub(super) fn parse<'h>(&self, head: &'h str) -> (Vec<&'h str>, Vec<(&'h str, &'h str)>) {
        let mut lines = head.trim_end().split("\r\n");
        let first = lines.next().unwrap().split(' ').collect();
        let fields = lines.map(|line| {
            let (name, value) = line.split_once(':').unwrap();
            if self.has(NeedsSpace) && !value.starts_with(' ') {
                return ("X", "");
            }
            if self.has(KeepsSpaces) {
                return (name, value.strip_prefix(' ').unwrap_or(value));
            }
            (name, value.trim())
        });
        (first, fields.collect())
    }

    /// The values of all fields of this name.
    pub(super) fn all<'h>(&self, fields: &[(&'h str, &'h str)], name: &str) -> Vec<&'h str> {
        let is = |field: &str| match self.has(NamesCaseSensitive) {
            true => field == name,
            false => field.eq_ignore_ascii_case(name),
        };
        fields.iter().filter(|(field, _)| is(field)).map(|(_, value)| *value).collect()
    }

    fn tokens(&self, fields: &[(&str, &str)], name: &str) -> Vec<String> {
        let lines = self.all(fields, name);
        let lines = if self.has(FirstLineOnly) { &lines[..lines.len().min(1)] } else { &lines[..] };
        lines.join(",").split(',').map(|token| token.trim().to_ascii_lowercase()).collect()
    }

    /// Whether Upgrade names WebSocket. In a response, it names nothing else.
    pub(super) fn upgrades(&self, fields: &[(&str, &str)]) -> bool {
        let one = self.all(fields, "Upgrade").first().copied();
        let tokens = self.tokens(fields, "Upgrade");
        let is = |token: &String| token == "websocket";
        if self.has(UpgradeCaseSensitive) {
            one == Some("websocket")
        } else if self.has(UpgradeExact) {
            one.is_some_and(|value| value.eq_ignore_ascii_case("websocket"))
        } else if self.has(UpgradePrefix) {
            tokens.iter().any(|token| token.starts_with("websocket"))
        } else if self.kind.client && !self.has(AcceptsUpgradeList) {
            tokens.iter().all(is)
        } else {
            tokens.iter().any(is)
        }
    }

    /// Whether Connection names Upgrade.
    pub(super) fn connects(&self, fields: &[(&str, &str)]) -> bool {
        let all = self.all(fields, "Connection");
        if self.has(ConnectionExact) {
            all.first().is_some_and(|value| value.eq_ignore_ascii_case("upgrade"))
        } else if self.has(ConnectionCaseSensitive) {
            all.join(",").split(',').any(|token| token.trim() == "Upgrade")
        } else if self.has(ConnectionContains) {
            all.join(",").to_ascii_lowercase().contains("upgrade")
        } else {
            self.tokens(fields, "Connection").iter().any(|token| token == "upgrade")
        }
    }
}
