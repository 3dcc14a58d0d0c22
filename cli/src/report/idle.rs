//! The table of idle limits: after how long a silence proxies usually cut a connection.

use std::time::Duration;

/// The limit of a proxy or a service that is in the path of many connections.
struct Limit {
    seconds: u64,
    name: &'static str,
    /// The document that has the number.
    #[cfg_attr(not(test), expect(dead_code, reason = "for the reader of the table"))]
    source: &'static str,
}

/// All limits. Those without another word are defaults that can be changed.
const LIMITS: [Limit; 8] = [
    // It counts from the upgrade, so it is a silence only if nothing was sent at all.
    Limit {
        seconds: 30,
        name: "Google Cloud's HTTP load balancer, which counts from the upgrade",
        source: "https://pkg.go.dev/github.com/agau4779/ingress-gce/examples/websocket",
    },
    Limit {
        seconds: 55,
        name: "Heroku's router",
        source: "https://devcenter.heroku.com/articles/websockets#timeouts",
    },
    Limit {
        seconds: 60,
        name: "nginx (proxy_read_timeout)",
        source: "https://nginx.org/en/docs/http/websocket.html",
    },
    Limit {
        seconds: 60,
        name: "AWS's Application Load Balancer",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/application/edit-load-balancer-attributes.html",
    },
    Limit {
        seconds: 100,
        name: "Cloudflare",
        source: "https://community.cloudflare.com/t/cloudflare-websocket-timeout/5865",
    },
    Limit {
        seconds: 350,
        name: "AWS's Network Load Balancer",
        source: "https://docs.aws.amazon.com/elasticloadbalancing/latest/network/update-idle-timeout.html",
    },
    Limit {
        seconds: 600,
        name: "Google Cloud's firewall",
        source: "https://cloud.google.com/compute/docs/troubleshooting/general-tips",
    },
    Limit {
        seconds: 600,
        name: "AWS's API Gateway",
        source: "https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html",
    },
];

/// How far a silence may be from a limit.
const TOLERANCE: Duration = Duration::from_secs(1);

/// Returns the names of the proxies that usually close a connection after such a silence, or `None`
/// if none is known.
pub(super) fn usual(silence: Duration) -> Option<String> {
    let names: Vec<_> = LIMITS
        .iter()
        .filter(|limit| silence.abs_diff(Duration::from_secs(limit.seconds)) <= TOLERANCE)
        .map(|limit| limit.name)
        .collect();
    (!names.is_empty()).then(|| names.join(" and "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_found_within_a_second() {
        for limit in LIMITS {
            assert!(limit.source.starts_with("https://"));
            let near = |millis: u64| usual(Duration::from_millis(millis));
            for millis in [limit.seconds * 1_000 - 1_000, limit.seconds * 1_000 + 1_000] {
                assert!(near(millis).unwrap().contains(limit.name), "{millis}");
            }
            let out = near(limit.seconds * 1_000 + 1_001);
            assert!(out.is_none_or(|names| !names.contains(limit.name)));
        }
        assert!(LIMITS.is_sorted_by_key(|limit| limit.seconds));
        assert_eq!(usual(Duration::from_secs(45)), None);
    }
}
