# CloudTrail and flow logs in two buckets, EKS Pod Identity, hourly compaction, EventBridge switched on by the module
# because nobody else listens to these buckets.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0, < 7.0"
    }
  }
}

provider "aws" {
  region = "eu-west-1"
}

module "trailflow" {
  source = "../.."

  log_buckets = {
    example-audit-logs = {
      # CloudTrail-Insight/ for the signal `insights`, CloudTrail-NetworkActivity/ for what VPC endpoints
      # refuse; a trail without such events writes nothing there.
      prefixes = [
        "AWSLogs/o-exampleorg1/111122223333/CloudTrail/",
        "AWSLogs/o-exampleorg1/111122223333/CloudTrail-Insight/",
        "AWSLogs/o-exampleorg1/111122223333/CloudTrail-NetworkActivity/",
        "AWSLogs/o-exampleorg1/444455556666/CloudTrail/",
        "AWSLogs/o-exampleorg1/444455556666/CloudTrail-Insight/",
        "AWSLogs/o-exampleorg1/444455556666/CloudTrail-NetworkActivity/",
      ]
      kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555"
    }
    example-flow-logs = {
      prefixes = ["AWSLogs/111122223333/vpcflowlogs/", "AWSLogs/444455556666/vpcflowlogs/"]
    }
  }
  manage_bucket_notification = true

  lake_bucket_name = "example-trailflow-lake"

  identity = {
    kind            = "pod_identity"
    cluster_name    = "example"
    namespace       = "observability"
    service_account = "trailflow"
  }

  # `trailflow compact`, which the chart runs every hour with compaction.enabled.
  compaction = {
    kind            = "pod_identity"
    cluster_name    = "example"
    namespace       = "observability"
    service_account = "trailflow-compact"
  }

  alarm_actions = ["arn:aws:sns:eu-west-1:111122223333:on-call"]
  tags          = { service = "trailflow" }
}

output "environment" {
  value = module.trailflow.environment
}
