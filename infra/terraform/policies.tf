# Every policy document, as values: made from variables and local.place only, so that they can be
# evaluated and read without an AWS account (infra/checks does). No Allow names a wildcard action or resource.

locals {
  queue_arn        = "arn:${local.place.partition}:sqs:${local.place.region}:${local.place.account_id}:${var.name}"
  dead_letters_arn = "${local.queue_arn}-dead-letters"
  log_bucket_arns  = { for name, bucket in var.log_buckets : name => "arn:${local.place.partition}:s3:::${name}" }
  lake_bucket_arn  = "arn:${local.place.partition}:s3:::${var.lake_bucket_name}"
  # "" or "prefix/": what stands before every key of the lake.
  lake_root = var.lake_prefix == "" ? "" : "${var.lake_prefix}/"

  # A hash, because a rule's name has room for 64 characters and a bucket's may have 63.
  rule_names = { for name, bucket in var.log_buckets : name => "${var.name}-${substr(sha256(name), 0, 8)}" }
  rule_arns  = [for rule in values(local.rule_names) : "arn:${local.place.partition}:events:${local.place.region}:${local.place.account_id}:rule/${rule}"]

  ################################################################################
  # Who may send to the queue
  ################################################################################

  senders = {
    eventbridge = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "EventBridgeRulesSend"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arns } }
      }]
    })
    s3 = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "LogBucketsSend"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arn
        # A bucket's ARN holds no account: without SourceAccount, whoever makes a bucket of that name after
        # it was deleted could send.
        Condition = {
          StringEquals = { "aws:SourceAccount" = coalesce(var.log_bucket_account_id, local.place.account_id) }
          ArnEquals    = { "aws:SourceArn" = values(local.log_bucket_arns) }
        }
      }]
    })
    sns = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "TopicsSend"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arn
        Condition = { ArnEquals = { "aws:SourceArn" = var.sns_topic_arns } }
      }]
    })
  }
  queue_policy = local.senders[var.notification_source]

  # With EventBridge only. What the queue itself gives up SQS moves there, and asks no policy.
  dead_letters_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "EventBridgeRulesSendTheUndelivered"
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = local.dead_letters_arn
      Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arns } }
    }]
  })

  ################################################################################
  # The lake's bucket
  ################################################################################

  lake_bucket_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "RefuseWithoutTls"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [local.lake_bucket_arn, "${local.lake_bucket_arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # The folders of the lake beside _trailflow/: what batches are published to, and what sealing makes of it.
  lake_tables = ["cloudtrail", "flow_logs", "transit_gateway_flow_logs", "rollups", "ingest_log", "quarantine"]
  seals       = ["sealed", "seals"]

  # Days after which the service's own files go. Tables, sealed files and seals stay: a seal names files, so neither
  # may go without the other, and age alone does not keep them together.
  lake_expiry_days = {
    staging   = var.claims_retention_days
    leases    = var.claims_retention_days
    claims    = var.claims_retention_days
    batches   = var.claims_retention_days
    published = var.claims_retention_days
  }

  # Whoever reads and writes a lake with SSE-KMS.
  encrypt_lake = [for key in [var.lake_kms_key_arn] : {
    Sid       = "EncryptLake"
    Effect    = "Allow"
    Action    = ["kms:GenerateDataKey", "kms:Decrypt"]
    Resource  = key
    Condition = { StringEquals = { "kms:ViaService" = "s3.${split(":", key)[3]}.${local.place.dns_suffix}" } }
  } if key != null]

  ################################################################################
  # What the service may do
  ################################################################################

  permissions = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid      = "TakeMessages"
          Effect   = "Allow"
          Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"]
          Resource = local.queue_arn
        },
        {
          Sid      = "ReadLogs"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource = flatten([for name, bucket in var.log_buckets : [for prefix in bucket.prefixes : "${local.log_bucket_arns[name]}/${prefix}*"]])
        },
        {
          Sid      = "ReadLake"
          Effect   = "Allow"
          Action   = ["s3:GetObject"]
          Resource = "${local.lake_bucket_arn}/${local.lake_root}*"
        },
        {
          # No seals: who can make one has compaction delete the files that it says are replaced.
          Sid      = "WriteLake"
          Effect   = "Allow"
          Action   = ["s3:PutObject"]
          Resource = [for folder in concat(local.lake_tables, ["_trailflow"]) : "${local.lake_bucket_arn}/${local.lake_root}${folder}/*"]
        },
        {
          # What was published or given up, and leases of decided batches. Rows, seals, claims and decisions are
          # never deleted by the service, so it may not; rows and seals are deleted by compaction alone.
          Sid      = "DropStaging"
          Effect   = "Allow"
          Action   = ["s3:DeleteObject", "s3:AbortMultipartUpload"]
          Resource = [for folder in ["staging", "leases"] : "${local.lake_bucket_arn}/${local.lake_root}_trailflow/${folder}/*"]
        },
        {
          # On the whole bucket, which is the lake's alone: with a condition on s3:prefix, S3 answers 403
          # instead of 404 to a GET of a key that is absent, and "no decision yet" is read from that 404.
          Sid      = "ListLake"
          Effect   = "Allow"
          Action   = ["s3:ListBucket"]
          Resource = local.lake_bucket_arn
        },
      ],
      # The same holds here: a log object that expired before it was read answers 403, so its message is
      # not dropped as "gone" but ends in the dead-letter queue. That is the price for not letting the
      # service list what it may not read.
      [for name, bucket in var.log_buckets : {
        Sid       = "ListLogs${substr(sha256(name), 0, 8)}"
        Effect    = "Allow"
        Action    = ["s3:ListBucket"]
        Resource  = local.log_bucket_arns[name]
        Condition = { StringLike = { "s3:prefix" = [for prefix in bucket.prefixes : "${prefix}*"] } }
      } if var.allow_backfill],
      [for key in distinct([for bucket in var.log_buckets : bucket.kms_key_arn if bucket.kms_key_arn != null]) : {
        Sid       = "DecryptLogs${substr(sha256(key), 0, 8)}"
        Effect    = "Allow"
        Action    = ["kms:Decrypt"]
        Resource  = key
        Condition = { StringEquals = { "kms:ViaService" = "s3.${split(":", key)[3]}.${local.place.dns_suffix}" } }
      }],
      local.encrypt_lake,
    )
  })

  ################################################################################
  # What compaction may do
  ################################################################################

  compaction_permissions = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          # The decisions on batches: a HEAD of those that are not marked as published.
          Sid    = "ReadLake"
          Effect = "Allow"
          Action = ["s3:GetObject"]
          Resource = [
            for folder in concat(local.lake_tables, local.seals, ["_trailflow/batches"]) :
            "${local.lake_bucket_arn}/${local.lake_root}${folder}/*"
          ]
        },
        {
          # _trailflow/exclusive: whether the store refuses to create what is there.
          Sid    = "WriteSeals"
          Effect = "Allow"
          Action = ["s3:PutObject"]
          Resource = concat(
            [for folder in local.seals : "${local.lake_bucket_arn}/${local.lake_root}${folder}/*"],
            ["${local.lake_bucket_arn}/${local.lake_root}_trailflow/exclusive"],
          )
        },
        {
          # What a seal replaced 48 hours ago. Versions of it stay, so that a mistake can be taken back: nobody here
          # may delete those.
          Sid      = "DropReplaced"
          Effect   = "Allow"
          Action   = ["s3:DeleteObject"]
          Resource = [for folder in concat(local.lake_tables, local.seals) : "${local.lake_bucket_arn}/${local.lake_root}${folder}/*"]
        },
        {
          # On the whole bucket, for the same reason: "nobody decided" and "no seal yet" are read from a 404.
          Sid      = "ListLake"
          Effect   = "Allow"
          Action   = ["s3:ListBucket"]
          Resource = local.lake_bucket_arn
        },
      ],
      local.encrypt_lake,
    )
  })

  ################################################################################
  # Who may be the service, and who compaction
  ################################################################################

  # With issuer and cluster, also where the kind needs none: every kind is written out, and one is chosen.
  identities = { for who, one in { service = var.identity, compaction = var.compaction } : who => merge(one, {
    oidc_provider_arn = coalesce(one.oidc_provider_arn, "oidc-provider/none")
    oidc_issuer       = split("oidc-provider/", coalesce(one.oidc_provider_arn, "oidc-provider/none"))[1]
    cluster_name      = coalesce(one.cluster_name, "none")
  }) if one != null }

  trust_policies = { for who, identity in local.identities : who => {
    irsa = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "ServiceAccountToken"
        Effect    = "Allow"
        Principal = { Federated = identity.oidc_provider_arn }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = {
            "${identity.oidc_issuer}:aud" = "sts.amazonaws.com"
            "${identity.oidc_issuer}:sub" = "system:serviceaccount:${identity.namespace}:${identity.service_account}"
          }
        }
      }]
    })
    pod_identity = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "PodIdentity"
        Effect    = "Allow"
        Principal = { Service = "pods.eks.amazonaws.com" }
        Action    = ["sts:AssumeRole", "sts:TagSession"]
        # EKS sets these tags itself; without them any association of the account could take the role.
        Condition = {
          StringEquals = {
            "aws:RequestTag/eks-cluster-name"           = identity.cluster_name
            "aws:RequestTag/kubernetes-namespace"       = identity.namespace
            "aws:RequestTag/kubernetes-service-account" = identity.service_account
          }
        }
      }]
    })
    ecs = jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Sid       = "EcsTasks"
        Effect    = "Allow"
        Principal = { Service = "ecs-tasks.amazonaws.com" }
        Action    = "sts:AssumeRole"
        Condition = {
          StringEquals = { "aws:SourceAccount" = local.place.account_id }
          ArnLike      = { "aws:SourceArn" = "arn:${local.place.partition}:ecs:${local.place.region}:${local.place.account_id}:*" }
        }
      }]
    })
  }[identity.kind] }
}
