//! What the configuration knows in a test: `reference = { clusters = [{ oidc_id = "AB12", name = "blue" }] }`.

use crate::keys::key::{Key, Kind};
use crate::keys::place::{Placed, Places};
use crate::keys::walk::{Entry, Walk};

/// The reference tables of one test; those that are not named are empty.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestReference {
    /// The audiences that a token should bear.
    pub expected_audiences: Vec<String>,
    /// CIDR blocks that count as internal.
    pub own_networks: Vec<String>,
    /// Names of clusters.
    pub clusters: Vec<TestCluster>,
    /// ARNs of the roles of nodes.
    pub node_roles: Vec<String>,
    /// ARNs of the roles that somebody waits for.
    pub watched_roles: Vec<String>,
    places: Places,
}

/// The name of a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TestCluster {
    /// The last part of its OIDC issuer's address.
    pub oidc_id: String,
    /// Its name.
    pub name: String,
    places: Places,
}

const REFERENCE: &[Key<TestReference>] = &[
    Key::optional(
        "expected_audiences",
        Kind::Texts(|r, texts| r.expected_audiences = texts),
    ),
    Key::optional(
        "own_networks",
        Kind::Texts(|r, texts| r.own_networks = texts),
    ),
    Key::optional("clusters", Kind::Tables(cluster)),
    Key::optional("node_roles", Kind::Texts(|r, texts| r.node_roles = texts)),
    Key::optional(
        "watched_roles",
        Kind::Texts(|r, texts| r.watched_roles = texts),
    ),
];

const CLUSTER: &[Key<TestCluster>] = &[
    Key::required("oidc_id", Kind::Text(|c, text| c.oidc_id = text)),
    Key::required("name", Kind::Text(|c, text| c.name = text)),
];

impl TestReference {
    pub(super) fn read(walk: &mut Walk<'_>, entry: &Entry<'_>) -> Self {
        let mut reference = Self::default();
        walk.table(REFERENCE, entry, &mut reference);
        reference
    }
}

fn cluster(walk: &mut Walk<'_>, reference: &mut TestReference, entry: &Entry<'_>) {
    let mut cluster = TestCluster::default();
    walk.table(CLUSTER, entry, &mut cluster);
    reference.clusters.push(cluster);
}

impl Placed for TestReference {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}

impl Placed for TestCluster {
    fn places(&mut self) -> &mut Places {
        &mut self.places
    }
}
