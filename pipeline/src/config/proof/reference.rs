//! Proves what signals may compare with: audiences, networks, clusters and roles.

use std::collections::BTreeSet;

use crate::config::proof::Proof;
use crate::config::raw::{RawCluster, RawConfig};
use crate::config::{Cluster, Reference, names, network, place};

impl Proof<'_> {
    pub(super) fn reference(&mut self, raw: &RawConfig) -> Reference {
        let default = Reference::default();
        if raw.expected_audiences.as_ref().is_some_and(Vec::is_empty) {
            self.at(
                "reference.expected_audiences",
                "no audience is expected, so every one would be a mismatch",
                "list the audiences of your tokens, or leave the key out for \"sts.amazonaws.com\"",
            );
        }
        let own_networks = match &raw.own_networks {
            Some(written) => self.networks(written),
            None => default.own_networks,
        };
        let roles_fix = "write one such as \"arn:aws:iam::111122223333:role/name\"";
        let node_roles = raw.node_roles.clone().unwrap_or_default();
        self.names(
            "reference.node_roles",
            &node_roles,
            names::role_arn,
            roles_fix,
        );
        let watched_roles = raw.watched_roles.clone().unwrap_or_default();
        self.names(
            "reference.watched_roles",
            &watched_roles,
            names::role_arn,
            roles_fix,
        );
        Reference {
            expected_audiences: raw
                .expected_audiences
                .clone()
                .unwrap_or(default.expected_audiences),
            own_networks,
            clusters: self.clusters(&raw.clusters),
            node_roles,
            watched_roles,
        }
    }

    fn networks(&mut self, written: &[String]) -> Vec<String> {
        let mut networks = Vec::with_capacity(written.len());
        for (index, text) in written.iter().enumerate() {
            match network::canonical(text) {
                Ok(network) => networks.push(network),
                Err(error) => self.at(
                    &format!("reference.own_networks[{index}]"),
                    &format!("the network \"{text}\" {}", error.what),
                    &error.fix,
                ),
            }
        }
        networks
    }

    fn clusters(&mut self, written: &[RawCluster]) -> Vec<Cluster> {
        let mut seen = BTreeSet::new();
        for RawCluster { cluster, places } in written {
            let id = &cluster.oidc_id;
            let is_id = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit();
            let mistake = if id.is_empty() {
                None // The walk has said so.
            } else if !id.chars().all(is_id) {
                Some((
                    format!("\"{id}\" is not the id of an OIDC issuer"),
                    "write the capitals and digits after /id/ in the cluster's OIDC issuer URL",
                ))
            } else if !seen.insert(id) {
                Some((
                    format!("the cluster \"{id}\" is listed twice"),
                    "keep one of the two",
                ))
            } else {
                None
            };
            if let Some((what, fix)) = mistake {
                self.findings
                    .push(place::finding(self.file, places.of("oidc_id"), &what, fix));
            }
        }
        written.iter().map(|raw| raw.cluster.clone()).collect()
    }
}
