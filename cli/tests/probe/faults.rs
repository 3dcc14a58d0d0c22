//! The faults that a server or a client can have, with a case that must find each, and the level of the failure.

use wsvet::generate::Level::{self, Must, Quality, Should};

macro_rules! faults {
    ($($fault:ident $id:literal $level:ident)* ; $($own:ident $case:literal $its:ident)*) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(dead_code)] // each test binary uses its own share
        pub enum Fault {
            /// Not a fault: what everyone may do.
            Nothing,
            // What the program above a server or a client may do.
            LosesEmpty,
            TrimsText,
            DropsByteOrderMark,
            EchoesAsBinary,
            $($fault,)*
            $($own),*
        }

        /// Each fault, a case that finds it, and the level of the failure.
        pub const FAULTS: &[(Fault, &str, Level)] = &[$((Fault::$fault, $id, $level)),*];

        /// The faults that only a client can have.
        #[allow(dead_code)]
        pub const OF_CLIENTS: &[(Fault, &str, Level)] = &[$((Fault::$own, $case, $its)),*];
    };
}

faults! {
    // The request.
    AcceptsPost "opening/method-post" Must
    MethodCaseInsensitive "opening/method-lower-case" Must
    AcceptsHttp10 "opening/http-1-0" Must
    AcceptsFragment "opening/fragment-in-target" Quality
    AcceptsMissingHost "opening/missing-host" Must
    AcceptsRepeatedHost "opening/repeated-host" Must
    AcceptsMissingUpgrade "opening/missing-upgrade" Must
    UpgradePrefix "opening/upgrade-part" Must
    AcceptsMissingConnection "opening/missing-connection" Must
    ConnectionContains "opening/connection-part" Must
    AcceptsMissingVersion "opening/missing-version" Must
    AcceptsAnyVersion "opening/version-14" Must
    AcceptsRepeatedVersion "opening/repeated-version" Quality
    HidesVersions "opening/version-refusal-lists" Must
    ListsOtherVersions "opening/version-refusal-lists" Must
    AnnouncesBody "opening/plain" Must
    RespondsWithHttp10 "opening/plain" Should
    RespondsWithBareLf "opening/plain" Must
    RefusesExtensionLines "opening/extensions-two-lines" Quality
    AcceptsMissingKey "opening/missing-key" Must
    AcceptsAnyKey "opening/key-15-bytes" Quality
    AcceptsRepeatedKey "opening/repeated-key" Quality
    AcceptsBadProtocols "opening/subprotocol-space" Quality
    AcceptsRepeatedProtocol "opening/subprotocol-repeated" Quality
    AcceptsBadExtensions "opening/extensions-open-quote" Must
    RefusesSilently "opening/missing-key" Should
    RefusesWith500 "opening/missing-key" Should
    UpgradeCaseSensitive "opening/upgrade-capitals" Must
    UpgradeExact "opening/upgrade-list" Quality
    ConnectionExact "opening/connection-list" Must
    ConnectionCaseSensitive "opening/connection-lower-case" Must
    FirstLineOnly "opening/connection-two-lines" Should
    NamesCaseSensitive "opening/names-lower-case" Must
    NeedsSpace "opening/no-space" Must
    KeepsSpaces "opening/spaces" Should
    NeedsHeadAtOnce "opening/bytewise" Must
    NeedsHostFirst "opening/any-order" Must
    RefusesOrigin "opening/origin" Quality
    RefusesLongField "opening/long-field" Quality
    RefusesManyFields "opening/many-fields" Quality
    RefusesUnknownField "opening/unknown-field" Should
    RefusesExtensions "opening/unknown-extension" Quality
    RefusesProtocols "opening/unknown-subprotocol" Quality
    AcceptsSpaceBeforeColon "opening/space-before-colon" Must
    RefusesAbsoluteForm "opening/absolute-form" Must
    RefusesTwoProtocolLines "opening/subprotocols-two-lines" Quality
    // The response.
    WrongAccept "opening/plain" Must
    AcceptOfLowerCaseKey "opening/plain" Must
    NoAccept "opening/plain" Must
    NoUpgradeInResponse "opening/plain" Must
    NoConnectionInResponse "opening/plain" Must
    AnswersUnknownExtension "opening/unknown-extensions" Must
    DeflateWithoutOffer "opening/plain" Must
    ProtocolWithoutOffer "opening/plain" Must
    OtherProtocol "opening/unknown-subprotocol" Must
    // What breaks a rule and is accepted.
    AcceptsRsv1 "reserved-bits/rsv1-data" Must
    AcceptsRsv2 "reserved-bits/rsv2-data" Must
    AcceptsRsv3 "reserved-bits/rsv3-continuation" Must
    AcceptsRsvOnControl "reserved-bits/rsv3-ping" Must
    AcceptsReservedData "reserved-opcode/3" Must
    AcceptsReservedControl "reserved-opcode/b" Must
    AcceptsFragmentedControl "control/fragmented-ping" Must
    AcceptsStrayContinuation "continuation/alone" Must
    AcceptsInterrupted "interrupted/single" Must
    AcceptsWrongMask "masking/unmasked-data" Must
    AcceptsWrongMaskEmpty "masking/unmasked-empty" Must
    AcceptsOversizedControl "control/oversized-ping" Must
    AcceptsLongFormControl "control/length-in-16-bits-ping" Must
    AcceptsLongForm16 "length-form/125-in-16-bits" Must
    AcceptsLongForm64 "length-form/126-in-64-bits" Must
    AcceptsHugeLength "length-form/2-to-the-63" Should
    DropsHighestBit "length-form/2-to-the-63-and-5" Should
    AcceptsAnyText "utf8/ff" Must
    AcceptsSurrogates "utf8/surrogate-first" Must
    AcceptsOverlong "utf8/overlong-2" Must
    AcceptsAbove10ffff "utf8/above-10ffff" Must
    AcceptsCutText "utf8/cut-3" Must
    AcceptsFarInvalid "utf8/far-300" Must
    AcceptsVeryFarInvalid "utf8/far-65536" Must
    SkipsFragments "utf8/split-invalid" Must
    AcceptsAnyCode "close/illegal-code-999" Should
    Accepts1005 "close/illegal-code-1005" Should
    Accepts1004 "close/illegal-code-1004" Should
    AcceptsLowCodes "close/illegal-code-0" Should
    AcceptsUnassigned "close/illegal-code-2999" Should
    AcceptsHighCodes "close/illegal-code-5000" Quality
    AcceptsOneByte "close/body-one-byte" Should
    AcceptsAnyReason "close/reason-not-utf8-ff" Should
    // What is refused, but late, silently or with another code.
    WaitsForFrame "utf8/early-frame-ff" Quality
    WaitsForMessage "utf8/early-fragment-ff" Quality
    Refuses1002With1000 "reserved-opcode/3" Should
    Refuses1002With1011 "masking/unmasked-data" Should
    Refuses1002With1003 "masking/unmasked-ping" Should
    Refuses1007With1002 "utf8/ff" Should
    RefusesWith1006 "reserved-opcode/3" Must
    RefusesWithoutCode "reserved-opcode/3" Should
    RefusesByFin "utf8/ff" Should
    RefusesTextByFin "utf8/ff" Should
    RefusesFramesByFin "reserved-opcode/3" Should
    Hangs "reserved-opcode/3" Must
    PongsAfterBreach "reserved-opcode/then-ping" Must
    AcceptsCompressedClose "deflate/rsv1-close" Should
    KeepsTcpOpenAfterRefusal "close/tcp-ends-after-refusal" Must
    // What is legal and refused.
    RefusesZeroKey "masking/key-zeros" Must
    RefusesEmpty "length/text-0" Must
    RefusesEmptyFragment "fragments/empty-middle" Must
    RefusesControlBetween "fragments/ping-between" Must
    RefusesCloseBetween "fragments/close-between" Must
    RefusesPong "ping/unsolicited-pong" Must
    RefusesPing125 "ping/125" Must
    RefusesMiddle "fragments/three" Must
    RefusesNoncharacters "utf8/valid-u-fffe" Quality
    RefusesNul "utf8/valid-nul" Quality
    RefusesAstral "utf8/valid-u-10ffff" Quality
    ChecksEachFragment "utf8/split-at-1" Must
    ChecksBinaryText "utf8/invalid-in-binary" Must
    Refuses1001 "close/code-1001" Quality
    Refuses1012 "close/code-1012" Quality
    Refuses3000 "close/code-3000" Quality
    Refuses4000 "close/code-4000" Quality
    Refuses4999 "close/code-4999" Quality
    RefusesReasons "close/reason" Quality
    RefusesLongReason "close/reason-123" Quality
    RefusesOtherScripts "close/reason-utf8" Quality
    RefusesNoCode "close/no-code" Quality
    NeedsFramesAtOnce "cuts/short-bytewise" Must
    NeedsTwoBytes "cuts/short" Must
    OneFrameASegment "cuts/two-frames" Must
    DiesAfterTen "length/many-at-once" Must
    // Pongs.
    NoPongToEmpty "ping/empty" Must
    NoPongBetween "fragments/ping-between" Must
    NoPongToLong "ping/125" Must
    NoPongAfterPong "ping/unsolicited-pong" Must
    EmptyPongs "ping/text" Must
    PongsUntilZero "ping/zeros" Must
    PongsOf124 "ping/125" Must
    PongsAsText "utf8/invalid-in-ping" Must
    PongsRepeated "ping/ten-in-turn" Must
    PongsAsPings "ping/text" Must
    CutsLongByPong "ping/after-long-message" Must
    DeliversPings "ping/text" Must
    DeliversPongs "ping/unsolicited-pong" Must
    PongsInLongForm "ping/text" Must
    FragmentsPongs "ping/text" Must
    NeverPongs "ping/text" Must
    // The end.
    NeverCloses "close/code-1000" Must
    IgnoresClose "close/code-1000" Must
    AlwaysAnswers1000 "close/code-1001" Quality
    AnswersWithoutCode "close/code-1000" Quality
    AnswersIllegalCode "close/no-code" Must
    SendsAfterClose "close/code-1000" Must
    KeepsTcpOpen "close/code-1000" Must
    ResetsTcp "close/no-reset" Quality
    ClosesTwice "close/then-nothing" Quality
    PingsAfterClose "close/then-nothing" Quality
    RefusesTwice "close/ping-after-refused-text" Quality
    GoesOnAfterRefusal "close/ping-after-refused-frame" Must
    GoesOnAfterText "close/ping-after-refused-text" Must
    GoesOnAfterBadClose "close/ping-after-refused-close" Must
    KeepsHalfClosed "close/half-closed" Quality
    // What comes back.
    TruncatesAt125 "length/text-126" Must
    TruncatesAt126 "length/text-127" Must
    TruncatesAt65535 "length/text-65536" Must
    LosesLastByte "masking/key-zeros" Must
    MasksFromSecondByte "masking/key-first-byte-zero" Must
    MasksFirstByteOnly "masking/key-like-text" Must
    LosesMiddle "fragments/three" Must
    LosesLast "fragments/two" Must
    EchoesAsText "length/binary-125" Must
    LosesZeros "length/binary-65536" Must
    ChangesHighBytes "length/binary-126" Must
    WrongOrder "length/many-at-once" Must
    Remembers "length/many-at-once" Must
    MasksWrongly "ping/text" Must
    SendsLongForm "length/text-125" Must
    SendsBadFragments "length/text-125" Must
    SendsRsv "length/text-125" Must
    // Types, limits.
    AcceptsOtherType "type/message" Must
    Refuses1003With1007 "type/message" Should
    Refuses1003With1008 "type/empty" Should
    HasNoLimit "limit/one-over" Must
    LimitOneMore "limit/one-over" Must
    LimitOneLess "limit/exactly" Must
    LimitForEachFrame "limit/one-over-in-fragments" Must
    Refuses1009With1008 "limit/one-over" Should
    LimitBeforeInflating "deflate/limit-one-over" Must
    // Compression.
    AcceptsBadOffer "deflate/offer-bits-7" Must
    IgnoresOfferedBits "deflate/offer-server-bits" Must
    IgnoresOfferedContext "deflate/offer-server-no-context" Must
    ClientBitsUnasked "deflate/offer-plain" Must
    AcceptsCompressedControl "deflate/rsv1-ping" Must
    AcceptsCompressedContinuation "deflate/rsv1-continuation" Must
    AcceptsBadDeflate "deflate/garbage" Must
    AcceptsCutDeflate "deflate/cut-block" Quality
    RefusesFinalBlock "deflate/final-block" Must
    RefusesEmptyDeflate "deflate/empty" Must
    RefusesStored "deflate/stored" Must
    ForgetsContext "deflate/context" Must
    ForgetsContextAtPlain "deflate/context-after-plain" Must
    ForgetsContextAtPing "deflate/context-after-ping" Must
    ForgetsContextAtFragments "deflate/context-after-fragments" Must
    SkipsCompressedText "deflate/utf8" Must
    SkipsCompressedFragments "deflate/utf8-fragments" Must
    LosesOwnContext "deflate/context-20" Must
    KeepsOwnTail "deflate/hello" Must
    ForgetsRsv1 "deflate/hello" Must
    ExceedsWindow "deflate/offer-window-9" Must
    ExceedsMiddleWindow "deflate/offer-window-12" Must
    LosesAfterFinal "deflate/context-after-final" Must
    RefusesAfterFinal "deflate/context-after-final" Quality
    // Faults that only a declared type or limit shows.
    RefusesBinary "length/binary-1" Must
    RefusesFragments "fragments/text" Must
    Refuses16Bits "length/text-126" Must
    Refuses64Bits "length/text-65536" Must
    LengthSigned16 "length/text-65535" Must
    RepliesTwice "length/every-to-130" Must
    EchoesReversed "length/text-125" Must
    SwapsTypes "length/text-125" Must
    GreetsMasked "ping/text" Must

    ;
    // Those of a client alone. The request.
    RepeatsKey "response/plain" Must
    RepeatsMaskingKey "response/plain" Must
    SendsShortKey "response/plain" Must
    SendsWebSocketUrl "response/plain" Must
    SendsBareLf "response/plain" Must
    OffersBits16 "response/plain" Must
    OffersBits08 "response/plain" Must
    ExceedsOwnWindow "deflate/answer-window-9" Must
    SendsNoUpgrade "response/plain" Must
    SendsNoConnection "response/plain" Must
    SendsNoVersion "response/plain" Must
    // The response.
    IgnoresAccept "response/wrong-accept" Must
    IgnoresMissingAccept "response/missing-accept" Must
    AcceptCaseInsensitive "response/accept-lower-case" Must
    AcceptPrefix "response/accept-short" Must
    AcceptsLongAccept "response/accept-long" Must
    ReadsLastAccept "response/repeated-accept" Quality
    AcceptsUpgradeList "response/upgrade-list" Quality
    TakesRedirect "response/status-301" Must
    Takes401 "response/status-401" Must
    Takes2xx "response/status-200" Must
    Takes4xx "response/status-404" Must
    Takes5xx "response/status-503" Must
    AcceptsAnyProtocol "response/subprotocol-not-offered" Must
    ProtocolCaseInsensitive "response/subprotocol-other-case" Must
    AcceptsTwoProtocols "response/subprotocol-two" Must
    AcceptsTwoProtocolLines "response/subprotocol-two-lines" Quality
    AcceptsUnknownExtension "response/extensions-unknown" Must
    AcceptsDeflateUnasked "response/extensions-deflate-not-offered" Must
    AcceptsBadAnswer "deflate/answer-bits-7" Must
    AcceptsLackingAnswer "deflate/answer-asked-parameter-missing" Quality
    RefusesHints "response/after-103" Quality
    RefusesEmptyReason "response/reason-empty" Should
    RefusesDeclined "response/subprotocol-declined" Quality
    DropsEarlyFrames "response/with-message" Must
    StaysAfterRefusal "response/wrong-accept" Should
    ClosesUnopened "response/wrong-accept" Quality
}
