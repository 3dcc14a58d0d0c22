//! Any bytes are a header or too few of one, and nothing is lost.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wsvet::{Header, parse};

fuzz_target!(|data: &[u8]| match Header::decode(data) {
    Ok((header, rest)) => {
        let mut out = [0; Header::MAX_LEN];
        let len = header.encode(&mut out);
        assert_eq!(out[..len], data[..len]);
        assert_eq!(rest, &data[len..]);
        assert_eq!(parse::header::<()>(data), Ok((rest, header)));
    }
    Err(incomplete) => {
        let longer = [data, &vec![0; incomplete.needed()]].concat();
        assert!(data.len() < 2 || Header::decode(&longer).is_ok());
        assert!(Header::decode(&longer[..longer.len() - 1]).is_err());
    }
});
