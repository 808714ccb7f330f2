//! The invented company: two accounts, two regions, two clusters, and who works in them.

use super::dice::{HEX_LETTERS, name_id};
use crate::config::{self, Reference};

/// Account of the clusters.
pub(super) const WORKLOAD: &str = "111122223333";
/// Account of the shared services; it owns keys, images and zones.
pub(super) const SHARED: &str = "444455556666";
pub(super) const EU: &str = "eu-west-1";
pub(super) const US: &str = "us-east-1";
/// The organization whose trail delivers both accounts' events into one bucket.
pub(super) const ORGANIZATION: &str = "o-a1b2c3d4e5";
/// The audience that the pod identity webhook asks for by default.
pub(super) const STS_AUDIENCE: &str = "sts.amazonaws.com";

/// An EKS cluster.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Cluster {
    pub(super) name: &'static str,
    pub(super) region: &'static str,
    pub(super) oidc_id: &'static str,
    pub(super) node_role: &'static str,
    /// The flow log of the VPC that its nodes are in.
    pub(super) flow_log: &'static str,
}

pub(super) const SHOP: Cluster = Cluster {
    name: "shop-prod",
    region: EU,
    oidc_id: "A1B2C3D4E5F60718293A4B5C6D7E8F90",
    node_role: "arn:aws:iam::111122223333:role/shop-prod-node",
    flow_log: "fl-0b2c3d4e5f6071829",
};
pub(super) const DATA: Cluster = Cluster {
    name: "data-prod",
    region: US,
    oidc_id: "0F1E2D3C4B5A69788796A5B4C3D2E1F0",
    node_role: "arn:aws:iam::111122223333:role/eks/data-prod-node",
    flow_log: "fl-0c3d4e5f60718293a",
};
/// Was deleted; its identity provider was not.
pub(super) const RETIRED: Cluster = Cluster {
    name: "shop-old",
    region: EU,
    oidc_id: "7C6B5A493827160F5E4D3C2B1A09F8E7",
    node_role: "arn:aws:iam::111122223333:role/shop-old-node",
    flow_log: "",
};

/// The clusters that a configuration names.
pub(super) const CLUSTERS: [Cluster; 2] = [SHOP, DATA];

impl Cluster {
    /// ARN of the IAM identity provider of this cluster.
    pub(super) fn identity_provider(self) -> String {
        let Self {
            region, oidc_id, ..
        } = self;
        format!(
            "arn:aws:iam::{WORKLOAD}:oidc-provider/oidc.eks.{region}.amazonaws.com/id/{oidc_id}"
        )
    }
}

/// The nodes of a VPC are the first interfaces in its flow log.
pub(super) const NODES: u8 = 12;

/// What stands behind `eni-0` and `i-0` for an interface of a VPC and the instance that has it.
pub(super) fn interface_name(flow_log: &str, index: u8) -> String {
    name_id(HEX_LETTERS, &format!("{flow_log}/{index}"), 16)
}

/// The instance of a node.
pub(super) fn instance_id(flow_log: &str, index: u8) -> String {
    format!("i-0{}", interface_name(flow_log, index))
}

/// The id of the zone that an interface is in.
pub(super) const fn zone(index: u8) -> &'static str {
    match index % 3 {
        0 => "euw1-az1",
        1 => "euw1-az2",
        _ => "euw1-az3",
    }
}

/// A Kubernetes service account with an IAM role of its own.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ServiceAccount {
    pub(super) cluster: Cluster,
    pub(super) namespace: &'static str,
    pub(super) name: &'static str,
    pub(super) role_arn: &'static str,
    pub(super) user_agent: &'static str,
}

impl ServiceAccount {
    /// Its token is exchanged at STS, and not by the Pod Identity agent.
    pub(super) fn is_irsa(self) -> bool {
        !POD_IDENTITY.iter().any(|one| one.role_arn == self.role_arn)
    }

    /// The token's subject.
    pub(super) fn subject(self) -> String {
        format!("system:serviceaccount:{}:{}", self.namespace, self.name)
    }
}

const GO_SDK: &str = "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#arm64 api/sts#1.33.2";
pub(super) const PYTHON_SDK: &str = "Boto3/1.35.76 md/Botocore#1.35.76 ua/2.0 os/linux#6.1.115-126.197.amzn2023.x86_64 md/arch#x86_64 lang/python#3.12.7 md/pyimpl#CPython cfg/retry-mode#legacy Botocore/1.35.76";
const JAVA_SDK: &str = "aws-sdk-java/2.29.29 md/io#sync md/http#Apache ua/2.1 os/Linux#5.10.228 lang/java#21.0.5 md/OpenJDK_64-Bit_Server_VM#21.0.5+11-LTS md/vendor#Amazon.com_Inc. md/en_US m/D";
pub(super) const LOAD_BALANCER_CONTROLLER_AGENT: &str = "elbv2.k8s.aws/v2.14.1";
pub(super) const KARPENTER_AGENT: &str = "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#arm64 api/ec2#1.198.1 karpenter.sh-1.1.1";
pub(super) const VPC_CNI_AGENT: &str = "amazon-vpc-cni-k8s/v1.19.2 aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.22.10 md/GOOS#linux md/GOARCH#arm64 api/ec2#1.198.1";
pub(super) const EBS_CSI_AGENT: &str = "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#arm64 exec-env/aws-ebs-csi-driver-v1.38.1 api/ec2#1.198.1";
const CLUSTER_AUTOSCALER_AGENT: &str =
    "aws-sdk-go/1.48.7 (go1.23.4; linux; amd64) cluster-autoscaler/v1.31.1";
const EXTERNAL_DNS_AGENT: &str = "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.23.4 md/GOOS#linux md/GOARCH#arm64 api/route53#1.46.3";
pub(super) const JAVASCRIPT_SDK: &str =
    "aws-sdk-js/3.709.0 ua/2.1 os/linux lang/js md/nodejs#20.18.1 api/sts#3.709.0";
pub(super) const CLI_AGENT: &str = "aws-cli/2.22.12 md/awscrt#0.22.0 ua/2.0 os/linux";
pub(super) const KUBELET_AGENT: &str =
    "aws-sdk-go/1.55.5 (go1.23.4; linux; arm64) kubelet/v1.31.4-eks-aeac579";
pub(super) const TERRAFORM_AGENT: &str = "APN/1.0 HashiCorp/1.0 Terraform/1.10.2 (+https://www.terraform.io) terraform-provider-aws/5.81.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.32.6";
pub(super) const POD_IDENTITY_AGENT: &str = "aws-sdk-go-v2/1.32.6 ua/2.1 os/linux lang/go#1.22.9 md/GOOS#linux md/GOARCH#arm64 api/eksauth#1.6.8";
pub(super) const BROWSER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36";

/// Whether kubelet or the network plugin calls: on an instance they show that it is a node.
pub(super) fn is_node_agent(user_agent: &str) -> bool {
    [KUBELET_AGENT, VPC_CNI_AGENT].contains(&user_agent)
}

/// The program behind a user agent, as a label names it.
pub(super) fn agent_family(user_agent: &str) -> &'static str {
    const FAMILIES: [(&str, &str); 10] = [
        (GO_SDK, "aws-sdk-go"),
        (PYTHON_SDK, "boto3"),
        (JAVA_SDK, "aws-sdk-java"),
        (
            LOAD_BALANCER_CONTROLLER_AGENT,
            "aws-load-balancer-controller",
        ),
        (KARPENTER_AGENT, "karpenter"),
        (EBS_CSI_AGENT, "ebs-csi-driver"),
        (CLUSTER_AUTOSCALER_AGENT, "cluster-autoscaler"),
        (EXTERNAL_DNS_AGENT, "aws-sdk-go"),
        (JAVASCRIPT_SDK, "aws-sdk-js"),
        (TERRAFORM_AGENT, "terraform"),
    ];
    let known = FAMILIES.iter().find(|(agent, _)| *agent == user_agent);
    known.map_or("other", |(_, family)| *family)
}

/// Writes one service account; the role's ARN is spelled out so that a search finds it.
const fn service_account(
    cluster: Cluster,
    namespace: &'static str,
    name: &'static str,
    role_arn: &'static str,
    user_agent: &'static str,
) -> ServiceAccount {
    ServiceAccount {
        cluster,
        namespace,
        name,
        role_arn,
        user_agent,
    }
}

pub(super) const LOAD_BALANCER_CONTROLLER: ServiceAccount = service_account(
    SHOP,
    "kube-system",
    "aws-load-balancer-controller",
    "arn:aws:iam::111122223333:role/shop-prod-load-balancer-controller",
    LOAD_BALANCER_CONTROLLER_AGENT,
);
pub(super) const EBS_CSI: ServiceAccount = service_account(
    SHOP,
    "kube-system",
    "ebs-csi-controller-sa",
    "arn:aws:iam::111122223333:role/shop-prod-ebs-csi",
    EBS_CSI_AGENT,
);
pub(super) const CLUSTER_AUTOSCALER: ServiceAccount = service_account(
    DATA,
    "kube-system",
    "cluster-autoscaler",
    "arn:aws:iam::111122223333:role/data-prod-cluster-autoscaler",
    CLUSTER_AUTOSCALER_AGENT,
);
pub(super) const EXTERNAL_DNS: ServiceAccount = service_account(
    SHOP,
    "kube-system",
    "external-dns",
    "arn:aws:iam::111122223333:role/shop-prod-external-dns",
    EXTERNAL_DNS_AGENT,
);
pub(super) const KARPENTER: ServiceAccount = service_account(
    SHOP,
    "karpenter",
    "karpenter",
    "arn:aws:iam::111122223333:role/shop-prod-karpenter",
    KARPENTER_AGENT,
);
pub(super) const CART: ServiceAccount = service_account(
    SHOP,
    "shop",
    "cart",
    "arn:aws:iam::111122223333:role/shop-cart",
    GO_SDK,
);
pub(super) const CHECKOUT: ServiceAccount = service_account(
    SHOP,
    "shop",
    "checkout",
    "arn:aws:iam::111122223333:role/shop-checkout",
    JAVA_SDK,
);
/// Its role has a path, which the assumed-role ARN does not show.
pub(super) const PAYMENTS: ServiceAccount = service_account(
    SHOP,
    "payments",
    "payments-api",
    "arn:aws:iam::111122223333:role/workload/payments-api",
    JAVA_SDK,
);
pub(super) const ORDERS: ServiceAccount = service_account(
    SHOP,
    "shop",
    "orders",
    "arn:aws:iam::111122223333:role/shop-orders",
    PYTHON_SDK,
);
pub(super) const SEARCH: ServiceAccount = service_account(
    SHOP,
    "search",
    "indexer",
    "arn:aws:iam::111122223333:role/search-indexer",
    GO_SDK,
);
pub(super) const SCHEDULER: ServiceAccount = service_account(
    DATA,
    "airflow",
    "scheduler",
    "arn:aws:iam::111122223333:role/airflow-scheduler",
    PYTHON_SDK,
);
pub(super) const WORKER: ServiceAccount = service_account(
    DATA,
    "airflow",
    "worker",
    "arn:aws:iam::111122223333:role/airflow-worker",
    PYTHON_SDK,
);
pub(super) const EXPORTER: ServiceAccount = service_account(
    DATA,
    "reports",
    "exporter",
    "arn:aws:iam::111122223333:role/reports-exporter",
    PYTHON_SDK,
);
pub(super) const INGEST: ServiceAccount = service_account(
    DATA,
    "reports",
    "ingest",
    "arn:aws:iam::111122223333:role/reports-ingest",
    GO_SDK,
);
pub(super) const PROMETHEUS: ServiceAccount = service_account(
    DATA,
    "monitoring",
    "prometheus",
    "arn:aws:iam::111122223333:role/monitoring/data-prod-prometheus",
    GO_SDK,
);

/// Fetched credentials each hour, until it stopped some hours ago.
pub(super) const BILLING: ServiceAccount = service_account(
    SHOP,
    "billing",
    "invoice-export",
    "arn:aws:iam::111122223333:role/billing-invoice-export",
    PYTHON_SDK,
);
/// The pods that get their role by EKS Pod Identity.
pub(super) const POD_IDENTITY: [ServiceAccount; 3] = [
    service_account(
        SHOP,
        "shop",
        "notifications",
        "arn:aws:iam::111122223333:role/shop-notifications",
        JAVASCRIPT_SDK,
    ),
    service_account(
        SHOP,
        "shop",
        "invoices",
        "arn:aws:iam::111122223333:role/shop-invoices",
        PYTHON_SDK,
    ),
    service_account(
        SHOP,
        "payments",
        "settlement",
        "arn:aws:iam::111122223333:role/workload/settlement",
        JAVA_SDK,
    ),
];

pub(super) const SERVICE_ACCOUNTS: [ServiceAccount; 15] = [
    LOAD_BALANCER_CONTROLLER,
    EBS_CSI,
    CLUSTER_AUTOSCALER,
    EXTERNAL_DNS,
    KARPENTER,
    CART,
    CHECKOUT,
    PAYMENTS,
    ORDERS,
    SEARCH,
    SCHEDULER,
    WORKER,
    EXPORTER,
    INGEST,
    PROMETHEUS,
];

/// The pipeline in the shared account that deploys into the workload account.
pub(super) const CI_RUNNER: &str = "arn:aws:iam::444455556666:role/ci-runner";
pub(super) const DEPLOY: &str = "arn:aws:iam::111122223333:role/deploy/shop-deploy";
/// Roles of the shared account that workloads assume.
pub(super) const DNS_WRITER: &str = "arn:aws:iam::444455556666:role/dns-writer";
pub(super) const IMAGE_READER: &str = "arn:aws:iam::444455556666:role/image-reader";
/// A role that stops letting its callers in, half way through.
pub(super) const LEDGER: &str = "arn:aws:iam::111122223333:role/ledger-writer";
/// The role of an instance that is no node.
pub(super) const BASTION: &str = "arn:aws:iam::111122223333:role/bastion";
/// The role for emergencies, that somebody watches.
pub(super) const BREAK_GLASS: &str = "arn:aws:iam::111122223333:role/break-glass";
/// What people get through single sign-on.
pub(super) const ADMINISTRATOR: &str = "arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Administrator_0a1b2c3d4e5f6071";

/// What the invented company's configuration says of itself. Its node roles are left to be learned.
pub fn reference() -> Reference {
    let clusters = CLUSTERS.map(|cluster| config::Cluster {
        oidc_id: cluster.oidc_id.to_owned(),
        name: cluster.name.to_owned(),
    });
    Reference {
        clusters: clusters.into(),
        watched_roles: vec![BREAK_GLASS.to_owned()],
        ..Reference::default()
    }
}
