//! Both directions of a connection, and the verdict on how it was closed.

use core::ffi::c_char;
use core::mem::MaybeUninit;
use core::time::Duration;
use std::boxed::Box;
use std::string::ToString;

use super::bytes;
use super::deflate::wsvet_deflate;
use super::policy::{role, wsvet_policy, wsvet_role};
use super::text::put_text;
use super::violation::wsvet_violation;
use crate::handshake::Rule;
use crate::{Abnormality, Conversation, End, Finding, Patience, Role, Unopened, Verdict};

/// A validator of both directions of a connection, which determines whether the endpoints closed the
/// connection correctly (section 7).
///
/// Pass it what each endpoint sends, in the order of observation. It does not change the bytes, so a
/// proxy can forward them. It goes on after a violation, because the frames after it show how the
/// receiver answered.
///
/// It allocates memory. `wsvet_conversation_free` frees it.
pub struct wsvet_conversation(Conversation);

/// How an endpoint stops sending.
#[repr(C)]
pub enum wsvet_end {
    /// The endpoint sent FIN. Everything that it sent before has arrived.
    WSVET_FIN = 0,
    /// The endpoint sent RST.
    WSVET_RST = 1,
}

/// Creates a conversation between a client and a server with these policies.
///
/// The policy of an endpoint applies to the frames that it receives. The role of `client` must be
/// `WSVET_CLIENT`, and that of `server` must be `WSVET_SERVER`.
///
/// `deflate` is what was negotiated for permessage-deflate. The conversation then inflates and
/// validates compressed messages. If it is `NULL`, the contents of compressed messages are not
/// validated, and the field `permessage_deflate` of the policies says whether they are legal.
///
/// Returns `NULL` if a role is another one, if `accepts` of a policy is not one of the constants, or
/// if a field of `deflate` is out of range.
///
/// # Safety
///
/// - `deflate` must be `NULL` or point to an initialised `wsvet_deflate`.
#[must_use]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_conversation_new(
    client: &wsvet_policy,
    server: &wsvet_policy,
    deflate: *const wsvet_deflate,
) -> Option<Box<wsvet_conversation>> {
    let ((client, client_known), (server, server_known)) = (client.read(), server.read());
    let roles = (client.role, server.role) == (Role::Client, Role::Server);
    if !(client_known && server_known && roles) {
        return None;
    }
    // SAFETY: `deflate` is `NULL` or valid, as the section "Safety" requires.
    let conversation = match unsafe { deflate.as_ref() } {
        None => Conversation::new(client, server),
        Some(deflate) => Conversation::deflate(client, server, deflate.read()?),
    };
    Some(Box::new(wsvet_conversation(conversation)))
}

/// Frees a conversation. Does nothing if it is `NULL`.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_conversation_free(conversation: Option<Box<wsvet_conversation>>) {
    drop(conversation);
}

/// Sets the time of everything that is passed from now on, in nanoseconds on any clock that does not
/// go back.
///
/// The findings depend on it. The verdict depends on it only if the response of the opening handshake
/// breaks a rule.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_conversation_at(conversation: &mut wsvet_conversation, nanoseconds: u64) {
    conversation.0.at(Duration::from_nanos(nanoseconds));
}

/// Sets the times in nanoseconds after which a duty counts as neglected. Call it before the first
/// frame.
///
/// `pong` is the time after a Ping within which the peer may begin other frames before the Pong, 1
/// second by default. `silence` is the time within which a silent peer has to send the Pong, 5 seconds
/// by default. `fin` is the time after the second Close frame within which the TCP connection has to
/// be closed, 2 seconds by default.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_conversation_set_patience(
    conversation: &mut wsvet_conversation,
    pong: u64,
    silence: u64,
    fin: u64,
) {
    let [pong, silence, fin] = [pong, silence, fin].map(Duration::from_nanos);
    conversation.0.set_patience(Patience::new().pong(pong).silence(silence).fin(fin));
}

/// Notes that something came from the host of this endpoint, one of `enum wsvet_role`, such as a TCP
/// acknowledgement.
///
/// If you see packets, call it for each, before you pass what the packet contains. If you do not call
/// it for an endpoint, everything counts as delivered to it.
///
/// Returns `false` and does nothing if there is no such role.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_conversation_heard_from(
    conversation: &mut wsvet_conversation,
    host: u8,
) -> bool {
    role(host).map(|host| conversation.0.heard_from(host)).is_some()
}

/// Records the request of the opening handshake, and the `len` rules that it breaks, each one of `enum
/// wsvet_handshake_rule` (section 4.1).
///
/// A conversation without a request and a response starts after the opening handshake.
///
/// Returns `false` and records nothing if a number is not such a rule.
///
/// # Safety
///
/// - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
/// - `broken` must point to `len` bytes. It may be `NULL` if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_conversation_request(
    conversation: &mut wsvet_conversation,
    broken: *const u8,
    len: usize,
) -> bool {
    // SAFETY: `broken` is valid for `len` bytes, as the section "Safety" requires.
    let broken = unsafe { bytes(broken, len) };
    let known = are_rules(broken);
    if known {
        conversation.0.request(rules(broken));
    }
    known
}

/// Records the HTTP status of the response of the opening handshake, and the `len` rules that it
/// breaks, each one of `enum wsvet_handshake_rule` (section 4.2.2).
///
/// Returns `false` and records nothing if a number is not such a rule.
///
/// # Safety
///
/// - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
/// - `broken` must point to `len` bytes. It may be `NULL` if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_conversation_response(
    conversation: &mut wsvet_conversation,
    status: u16,
    broken: *const u8,
    len: usize,
) -> bool {
    // SAFETY: `broken` is valid for `len` bytes, as the section "Safety" requires.
    let broken = unsafe { bytes(broken, len) };
    let known = are_rules(broken);
    if known {
        conversation.0.response(status, rules(broken));
    }
    known
}

fn are_rules(numbers: &[u8]) -> bool {
    numbers.iter().all(|number| Rule::from_number(*number).is_some())
}

fn rules(numbers: &[u8]) -> impl Iterator<Item = Rule> {
    numbers.iter().filter_map(|number| Rule::from_number(*number))
}

/// Validates the next `len` bytes that this endpoint sends, cut into chunks of any size. `from` is one
/// of `enum wsvet_role`.
///
/// Returns `false` and does nothing if there is no such role.
///
/// # Safety
///
/// - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
/// - `chunk` must point to `len` bytes. It may be `NULL` if `len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_conversation_bytes(
    conversation: &mut wsvet_conversation,
    from: u8,
    chunk: *const u8,
    len: usize,
) -> bool {
    // SAFETY: `chunk` is valid for `len` bytes, as the section "Safety" requires.
    let chunk = unsafe { bytes(chunk, len) };
    role(from).map(|from| conversation.0.bytes(from, chunk)).is_some()
}

/// Ends the stream of this endpoint (section 7.1.5). `from` is one of `enum wsvet_role`, and `end` one
/// of `enum wsvet_end`.
///
/// `wsvet_conversation_direction` returns the violation that the end is, if any.
///
/// Returns `false` and does nothing if there is no such role or no such end.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_conversation_end(
    conversation: &mut wsvet_conversation,
    from: u8,
    end: u8,
) -> bool {
    const FIN: u8 = wsvet_end::WSVET_FIN as u8;
    const RST: u8 = wsvet_end::WSVET_RST as u8;
    let end = match end {
        FIN => End::Fin,
        RST => End::Reset,
        _ => return false,
    };
    role(from).map(|from| conversation.0.end(from, end, 0)).is_some()
}

/// What one endpoint has sent.
#[repr(C)]
pub struct wsvet_direction {
    /// The first violation of the endpoint before its first Close frame, or no violation.
    pub violation: wsvet_violation,
    /// The number of frames, the last of which may be unfinished.
    pub frames: u64,
    /// The number of bytes.
    pub bytes: u64,
    /// The code of its first Close frame. It is 0 if the Close frame has no code, or if there is none.
    pub close_code: u16,
    /// Not 0 if the endpoint has sent a Close frame.
    pub closed: u8,
    /// Not 0 if the endpoint has sent data after its Close frame (section 5.5.1).
    pub data_after_close: u8,
}

/// Writes what this endpoint, one of `enum wsvet_role`, has sent so far to `*direction`.
///
/// Returns `false` and writes nothing if there is no such role.
#[must_use]
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_conversation_direction(
    conversation: &wsvet_conversation,
    from: u8,
    direction: &mut MaybeUninit<wsvet_direction>,
) -> bool {
    let Some(from) = role(from) else { return false };
    let of = conversation.0.direction(from);
    let close = of.close();
    direction.write(wsvet_direction {
        violation: of.violation().map_or(Ok(()), Err).into(),
        frames: of.frames(),
        bytes: of.offset(),
        close_code: close.flatten().map_or(0, |code| code.0),
        closed: close.is_some().into(),
        data_after_close: of.data_after_close().into(),
    });
    true
}

/// The kind of a verdict. Later versions may add kinds, so a `switch` needs a `default`.
#[repr(C)]
pub enum wsvet_verdict_kind {
    /// The conversation does not show how the connection ended: it was still open.
    WSVET_VERDICT_OPEN = 0,
    /// Both endpoints sent a legal Close frame. `by` is the first, and `code` is its code.
    WSVET_VERDICT_CLEAN = 1,
    /// `by` answered the violation of its peer with the close code that is due.
    WSVET_VERDICT_REFUSED = 2,
    /// `by` answered the violation of its peer with another code, or dropped the connection.
    WSVET_VERDICT_REFUSED_OTHERWISE = 3,
    /// `by` did not refuse the violation of its peer.
    WSVET_VERDICT_LET_PASS = 4,
    /// `by` closed with a code that blames its peer, which had broken no rule.
    WSVET_VERDICT_WRONGLY_REFUSED = 5,
    /// `by` closed with 1009, for a limit that its policy does not state. `len` is the length of the
    /// message.
    WSVET_VERDICT_OWN_LIMIT = 6,
    /// `by` answered a Close frame with one that breaks a rule.
    WSVET_VERDICT_BROKEN_CLOSE = 7,
    /// `by` did not complete the closing handshake. `why` says what it did.
    WSVET_VERDICT_ABNORMAL = 8,
    /// The opening handshake was not completed. `why` says what `by` did.
    WSVET_VERDICT_NEVER_OPENED = 9,
}

/// The reason of a verdict. Later versions may add reasons, so a `switch` needs a `default`.
#[repr(C)]
pub enum wsvet_why {
    /// The verdict needs no reason.
    WSVET_NO_REASON = 0,
    /// Abnormal: the stream of the endpoint ended inside a frame.
    WSVET_WHY_IN_FRAME = 1,
    /// Abnormal: the stream of the endpoint ended without a Close frame.
    WSVET_WHY_WITHOUT_CLOSE = 2,
    /// Abnormal: the endpoint reset the connection, without a Close frame.
    WSVET_WHY_RESET = 3,
    /// Abnormal: the endpoint did not answer the Close frame of its peer.
    WSVET_WHY_UNANSWERED = 4,
    /// Abnormal: the endpoint reset the connection before its Close frame could be answered.
    WSVET_WHY_RESET_UNANSWERED = 5,
    /// Never opened: the server answered with the HTTP status in `status`.
    WSVET_WHY_REFUSED = 11,
    /// Never opened: the client closed the connection before the server answered.
    WSVET_WHY_NO_ANSWER = 12,
    /// Never opened: the server closed the connection without an answer.
    WSVET_WHY_DROPPED = 13,
    /// Never opened: the endpoint reset the connection before the server answered.
    WSVET_WHY_RESET_UNOPENED = 14,
    /// Never opened: the response breaks the rule in `handshake_rule`, and the client failed the
    /// connection, as it must.
    WSVET_WHY_BROKEN_RESPONSE = 15,
}

/// The verdict on a conversation: how the connection was closed (section 7.1).
#[repr(C)]
pub struct wsvet_verdict {
    /// The violation, if the verdict is about one.
    pub violation: wsvet_violation,
    /// The length of the message in bytes, for `WSVET_VERDICT_OWN_LIMIT`, or 0.
    pub len: u64,
    /// The code with which the connection was closed: 1005 if the Close frame has no code, or 1006
    /// without a complete closing handshake. It is 0 for `WSVET_VERDICT_LET_PASS` and
    /// `WSVET_VERDICT_OPEN`.
    pub code: u16,
    /// The HTTP status, for `WSVET_WHY_REFUSED`, or 0.
    pub status: u16,
    /// The kind, one of `enum wsvet_verdict_kind`.
    pub kind: u8,
    /// The endpoint that the verdict is about, one of `enum wsvet_role`, or 0 for
    /// `WSVET_VERDICT_OPEN`. It is not always the endpoint at fault.
    pub by: u8,
    /// The reason, one of `enum wsvet_why`.
    pub why: u8,
    /// One of `enum wsvet_handshake_rule`, for `WSVET_WHY_BROKEN_RESPONSE`, or 0.
    pub handshake_rule: u8,
}

impl From<Verdict> for wsvet_verdict {
    fn from(verdict: Verdict) -> Self {
        use wsvet_verdict_kind as Kind;
        use wsvet_why as Why;

        let (mut len, mut status, mut handshake_rule) = (0, 0, 0);
        let mut why = Why::WSVET_NO_REASON;
        let kind = match verdict {
            Verdict::Open => Kind::WSVET_VERDICT_OPEN,
            Verdict::Clean { .. } => Kind::WSVET_VERDICT_CLEAN,
            Verdict::Refused { .. } => Kind::WSVET_VERDICT_REFUSED,
            Verdict::RefusedOtherwise { .. } => Kind::WSVET_VERDICT_REFUSED_OTHERWISE,
            Verdict::LetPass { .. } => Kind::WSVET_VERDICT_LET_PASS,
            Verdict::WronglyRefused { .. } => Kind::WSVET_VERDICT_WRONGLY_REFUSED,
            Verdict::OwnLimit { len: bytes, .. } => {
                len = bytes;
                Kind::WSVET_VERDICT_OWN_LIMIT
            }
            Verdict::BrokenClose { .. } => Kind::WSVET_VERDICT_BROKEN_CLOSE,
            Verdict::Abnormal { why: abnormality, .. } => {
                why = match abnormality {
                    Abnormality::InFrame => Why::WSVET_WHY_IN_FRAME,
                    Abnormality::WithoutClose => Why::WSVET_WHY_WITHOUT_CLOSE,
                    Abnormality::Reset => Why::WSVET_WHY_RESET,
                    Abnormality::Unanswered => Why::WSVET_WHY_UNANSWERED,
                    Abnormality::ResetUnanswered => Why::WSVET_WHY_RESET_UNANSWERED,
                };
                Kind::WSVET_VERDICT_ABNORMAL
            }
            Verdict::NeverOpened { why: unopened, .. } => {
                why = match unopened {
                    Unopened::Refused(answered) => {
                        status = answered;
                        Why::WSVET_WHY_REFUSED
                    }
                    Unopened::NoAnswer => Why::WSVET_WHY_NO_ANSWER,
                    Unopened::Dropped => Why::WSVET_WHY_DROPPED,
                    Unopened::Reset => Why::WSVET_WHY_RESET_UNOPENED,
                    Unopened::BrokenResponse(rule) => {
                        handshake_rule = rule.number();
                        Why::WSVET_WHY_BROKEN_RESPONSE
                    }
                };
                Kind::WSVET_VERDICT_NEVER_OPENED
            }
        };
        Self {
            violation: verdict.violation().map_or(Ok(()), Err).into(),
            len,
            code: verdict.code().map_or(0, |code| code.0),
            status,
            kind: kind as u8,
            by: verdict.by().map_or(0, number),
            why: why as u8,
            handshake_rule,
        }
    }
}

/// Returns the verdict: how the conversation ended, as far as it was observed.
///
/// While the connection is open, what the endpoints send next can change the verdict.
#[unsafe(no_mangle)]
pub extern "C" fn wsvet_conversation_verdict(conversation: &wsvet_conversation) -> wsvet_verdict {
    conversation.0.verdict().into()
}

/// Writes the stable name of the verdict, in lower case with hyphens, such as `"refused-otherwise"`, to
/// `out`, as a string that ends with a NUL. Returns its length without the NUL.
///
/// If the string and its NUL do not fit in `out_len` bytes, the function writes nothing: 32 bytes
/// always suffice.
///
/// # Safety
///
/// - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
/// - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_conversation_verdict_id(
    conversation: &wsvet_conversation,
    out: *mut c_char,
    out_len: usize,
) -> usize {
    // SAFETY: `out` is valid for its length, as the section "Safety" requires.
    unsafe { put_text(conversation.0.verdict().id(), out, out_len) }
}

/// Writes the verdict as a sentence to `out`, as a string that ends with a NUL. Returns its length
/// without the NUL.
///
/// If the string and its NUL do not fit in `out_len` bytes, the function writes nothing: 512 bytes
/// always suffice.
///
/// # Safety
///
/// - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
/// - `out` must point to `out_len` writable bytes. It may be `NULL` if `out_len` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_conversation_verdict_text(
    conversation: &wsvet_conversation,
    out: *mut c_char,
    out_len: usize,
) -> usize {
    // SAFETY: `out` is valid for its length, as the section "Safety" requires.
    unsafe { put_text(&conversation.0.verdict().to_string(), out, out_len) }
}

/// The most findings of a conversation.
pub const WSVET_MAX_FINDINGS: usize = 3;

/// A duty that an endpoint did not fulfil in time.
#[repr(C)]
pub struct wsvet_finding {
    /// The time at which the duty began, in nanoseconds on the clock of `wsvet_conversation_at`: that of
    /// the first Ping without an answer, or of the second Close frame.
    pub at: u64,
    /// The time in nanoseconds that passed from then to the end of the duty.
    pub waited: u64,
    /// How many Pings have no answer. A lower bound if it is over 8. It is 1 for
    /// `WSVET_SERVER_LEFT_OPEN`.
    pub count: u64,
    /// The number of Pongs with other data that the endpoint sent after the first of these Pings.
    pub other_pongs: u64,
    /// The duty, one of `enum wsvet_lapse`. The functions for the texts of rules know its number.
    pub lapse: u8,
    /// The endpoint at fault, one of `enum wsvet_role`.
    pub by: u8,
}

impl From<Finding> for wsvet_finding {
    fn from(finding: Finding) -> Self {
        // The times come from `wsvet_conversation_at`, so they have as many bits.
        let nanoseconds = |time: Duration| time.as_nanos() as u64;
        Self {
            at: nanoseconds(finding.at),
            waited: nanoseconds(finding.waited),
            count: finding.count,
            other_pongs: finding.other_pongs,
            lapse: finding.lapse.number(),
            by: number(finding.by),
        }
    }
}

/// Writes the duties that the endpoints neglected to `out`, as of the time of the last
/// `wsvet_conversation_at`, and returns their number: at most `WSVET_MAX_FINDINGS`.
///
/// A later Pong or FIN can take a finding back. Without a call of `wsvet_conversation_at`, no time
/// passes, and there are none.
///
/// # Safety
///
/// - `conversation` must point to a conversation that `wsvet_conversation_new` has returned.
/// - `out` must point to `WSVET_MAX_FINDINGS` objects, which need not be initialised.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wsvet_conversation_findings(
    conversation: &wsvet_conversation,
    out: *mut wsvet_finding,
) -> usize {
    let mut count = 0;
    for finding in conversation.0.findings().take(WSVET_MAX_FINDINGS) {
        // SAFETY: `out` has room for so many, as the section "Safety" requires.
        unsafe { out.add(count).write(finding.into()) };
        count += 1;
    }
    count
}

/// Returns the number of a role in C.
fn number(role: Role) -> u8 {
    match role {
        Role::Client => wsvet_role::WSVET_CLIENT as u8,
        Role::Server => wsvet_role::WSVET_SERVER as u8,
    }
}
