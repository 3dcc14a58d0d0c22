//! Raw bytes of the other endpoint.

use wsvet::Rule;

use super::Seen;
use super::evidence::{Chain, NEEDED};
use super::scene::Scene;

pub(super) fn mixed_up(scene: &Scene<'_>) -> Seen {
    let masked = match scene.rule {
        Rule::MaskedServerFrame => "masked",
        Rule::UnmaskedClientFrame => "not masked",
        _ => return Seen::No,
    };
    if !scene.raw || scene.start > 0 {
        return Seen::No;
    }
    let sender = scene.from.peer();
    let frames = Chain { offset: 0, from: sender, open: None, joins: &[] };
    Seen::of(frames.follow(scene, NEEDED), || {
        let receiver = scene.from;
        format!("the bytes of the {sender}: the frames are {masked}; give --receiver {receiver}")
    })
}
