//! A mistake in a file, shown where it stands.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::{Deserialize, Serialize};

use super::SourceFile;
use super::redact::redact;

/// One mistake: where, what is wrong, what is expected there, what to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    pub file: String,
    /// Bytes of the file's text.
    pub span: Range<usize>,
    /// Lower case, no full stop, input in backticks.
    pub message: String,
    /// Short words at the place itself.
    pub label: String,
    pub help: Option<String>,
}

/// What `--json` shows of a [`Diagnostic`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiagnosticJson {
    pub file: String,
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub message: String,
    pub help: Option<String>,
}

impl Diagnostic {
    pub fn new(file: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            span,
            message: message.into(),
            label: String::new(),
            help: None,
        }
    }

    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// Diagnostics as a terminal shows them, with the lines that they are about; passwords are blotted out.
pub fn render(diagnostics: &[Diagnostic], sources: &[SourceFile], color: bool) -> String {
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let shown: Vec<SourceFile> = sources
        .iter()
        .map(|source| SourceFile {
            name: source.name.clone(),
            text: redact(&source.text),
        })
        .collect();
    diagnostics
        .iter()
        .map(|diagnostic| render_one(&renderer, diagnostic, &shown) + "\n")
        .collect()
}

fn render_one(renderer: &Renderer, diagnostic: &Diagnostic, sources: &[SourceFile]) -> String {
    let mut group = Group::with_title(Level::ERROR.primary_title(&diagnostic.message));
    if let Some(source) = sources.iter().find(|source| source.name == diagnostic.file) {
        let span = within(&source.text, &diagnostic.span);
        group = group.element(
            Snippet::source(source.text.as_str())
                .path(source.name.as_str())
                .annotation(
                    AnnotationKind::Primary
                        .span(span)
                        .label(diagnostic.label.as_str()),
                ),
        );
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
}

/// The span cut to the text, on character borders; no source and span can make the renderer slip.
fn within(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = text.floor_char_boundary(span.start);
    let end = text.ceil_char_boundary(span.end);
    start..end.max(start)
}

pub fn to_json(diagnostics: &[Diagnostic], sources: &[SourceFile]) -> Vec<DiagnosticJson> {
    diagnostics
        .iter()
        .map(|diagnostic| one_to_json(diagnostic, sources))
        .collect()
}

fn one_to_json(diagnostic: &Diagnostic, sources: &[SourceFile]) -> DiagnosticJson {
    let text = sources
        .iter()
        .find(|source| source.name == diagnostic.file)
        .map_or("", |source| source.text.as_str());
    let start = within(text, &diagnostic.span).start;
    let before = text.get(..start).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    DiagnosticJson {
        file: diagnostic.file.clone(),
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        message: with_label(diagnostic),
        help: diagnostic.help.clone(),
    }
}

fn with_label(diagnostic: &Diagnostic) -> String {
    if diagnostic.label.is_empty() || diagnostic.label == "here" {
        return diagnostic.message.clone();
    }
    format!("{}: {}", diagnostic.message, diagnostic.label)
}
