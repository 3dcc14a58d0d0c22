//! The header for C, as cbindgen writes it from the source.

use std::fmt::Write;
use std::fs::DirEntry;
use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, FunctionConfig, Language, Style};
use wsvet::handshake::{self, Due};
use wsvet::{CloseCode, Lapse, OpCode, Rule};

/// In the order in which one reads them.
const FILES: [&str; 11] = [
    "policy",
    "header",
    "violation",
    "decoder",
    "responder",
    "encode",
    "validator",
    "handshake",
    "deflate",
    "conversation",
    "text",
];

const TOP: &str = "\
/*
 * wsvet parses and validates WebSocket frames: it decodes and validates one direction of a connection
 * by RFC 6455, and writes the replies. A section without the number of an RFC is one of RFC 6455. The
 * guide, with a whole program, is in src/guide/c.md. Other programs are in examples/c and
 * examples/python.
 *
 * The caller provides the memory of an object that `..._init` fills. It allocates nothing, and needs no
 * cleanup. An object that `..._new` returns allocates memory, and `..._free` frees it. There is no I/O.
 * Use an object from one thread at a time.
 *
 * A pointer must not be NULL and must point to an initialised object of its type, unless a comment says
 * otherwise. Lengths are in bytes. The program aborts if a pointer is NULL and its length is not 0. The
 * library cannot detect an object that was not initialised, or a buffer that is shorter than its length.
 */";

const MUST_USE: &str = "
#if defined(__GNUC__) || defined(__clang__)
#define WSVET_MUST_USE __attribute__((warn_unused_result))
#else
#define WSVET_MUST_USE
#endif
";

/// The header, whole.
pub(crate) fn generate() -> String {
    let config = Config {
        language: Language::C,
        style: Style::Tag,
        cpp_compat: true,
        documentation_style: DocumentationStyle::Doxy,
        include_guard: Some("WSVET_H".to_owned()),
        header: Some(TOP.to_owned()),
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h"].map(String::from).to_vec(),
        after_includes: Some(MUST_USE.to_owned() + &constants()),
        function: FunctionConfig {
            must_use: Some("WSVET_MUST_USE".to_owned()),
            ..FunctionConfig::default()
        },
        line_length: 100,
        tab_width: 4,
        usize_is_size_t: true,
        ..Config::default()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/c");
    let is_source = |file: &DirEntry| {
        file.path().extension().is_some_and(|name| name == "rs") && file.file_name() != "mod.rs"
    };
    let sources = root.read_dir().unwrap().filter(|file| file.as_ref().is_ok_and(is_source));
    assert_eq!(sources.count(), FILES.len(), "each file is read");
    let builder = FILES.iter().fold(Builder::new().with_config(config), |builder, file| {
        builder.with_src(root.join(file).with_extension("rs"))
    });
    // In Rust they are the crate's own types, in C the storage for them.
    let builder = builder
        .rename_item("StreamDecoder", "struct wsvet_decoder")
        .rename_item("Validator", "struct wsvet_validator")
        .rename_item("Responder", "struct wsvet_responder")
        .include_item("wsvet_decoder")
        .include_item("wsvet_validator")
        .include_item("wsvet_responder")
        .include_item("wsvet_role")
        .include_item("wsvet_accepts")
        .include_item("wsvet_kind")
        .include_item("wsvet_agreed")
        .include_item("wsvet_end")
        .include_item("wsvet_verdict_kind")
        .include_item("wsvet_why");
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    String::from_utf8(header).unwrap()
}

/// The numbers that the crate's own tables have.
fn constants() -> String {
    let mut out = format!(
        "\n/** The version of this header: see `wsvet_version`. */\n#define WSVET_VERSION \"{}\"\n",
        env!("CARGO_PKG_VERSION")
    );
    let opcodes = OpCode::ALL.iter().filter(|opcode| !opcode.is_reserved());
    enumeration(
        &mut out,
        "The opcode of a frame; 3-7 and 11-15 are reserved (section 5.2).",
        "wsvet_opcode",
        opcodes.map(|opcode| (format!("{opcode:?}").to_uppercase(), *opcode as u32, String::new())),
    );
    let rules = Rule::ALL.iter().map(|rule| {
        let (rfc, section, code) = (rule.rfc(), rule.section(), rule.close_code());
        let what = format!("RFC {rfc} section {section}, {}: {}.", code.0, rule.breaks());
        (rule.id().to_uppercase().replace('-', "_"), rule.number().into(), what)
    });
    enumeration(
        &mut out,
        "A rule that a stream can break, in order of precedence. The numbers are stable.",
        "wsvet_rule",
        [("NO_RULE".to_owned(), 0, "No rule is broken.".to_owned())].into_iter().chain(rules),
    );
    let rules = handshake::Rule::ALL.iter().map(|rule| {
        let (rfc, section) = (rule.rfc(), rule.section());
        let due = match rule.due() {
            Due::Status(status) => format!("status {status}"),
            _ => "the client fails the connection".to_owned(),
        };
        let what = format!("RFC {rfc} section {section}, {due}: {}.", rule.breaks());
        (rule.id().to_uppercase().replace('-', "_"), rule.number().into(), what)
    });
    enumeration(
        &mut out,
        "A rule of the opening handshake, in order of precedence. The numbers are stable, and none is \
         that of a `wsvet_rule`.",
        "wsvet_handshake_rule",
        rules,
    );
    let lapses = Lapse::ALL.iter().map(|lapse| {
        let (rfc, section, breaks) = (lapse.rfc(), lapse.section(), lapse.breaks());
        let what = format!("RFC {rfc} section {section}: {breaks}.");
        (lapse.id().to_uppercase().replace('-', "_"), lapse.number().into(), what)
    });
    enumeration(
        &mut out,
        "A duty that an endpoint did not fulfil in time. The numbers are stable, and none is that of a \
         `wsvet_rule` or a `wsvet_handshake_rule`.",
        "wsvet_lapse",
        lapses,
    );
    let codes = CloseCode::REGISTRY.iter().filter(|row| row.first() == row.last());
    let codes = codes.filter(|row| row.name() != "Reserved").map(|row| {
        let name = row.name().to_uppercase().replace(' ', "_");
        (format!("CODE_{name}"), row.first().0.into(), row.meaning().to_owned())
    });
    enumeration(
        &mut out,
        "The close codes that IANA has registered; an application's own are 4000-4999 (section 7.4).",
        "wsvet_code",
        codes,
    );
    out
}

fn enumeration(
    out: &mut String,
    what: &str,
    name: &str,
    constants: impl Iterator<Item = (String, u32, String)>,
) {
    writeln!(out, "\n/**\n * {what}\n */\nenum {name} {{").unwrap();
    for (name, number, what) in constants {
        if !what.is_empty() {
            writeln!(out, "    /**\n     * {what}\n     */").unwrap();
        }
        writeln!(out, "    WSVET_{name} = {number},").unwrap();
    }
    writeln!(out, "}};").unwrap();
}
