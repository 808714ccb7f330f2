variable "name" {
  description = "Name of the queue, the role and the rules; the dead-letter queue is <name>-dead-letters, the role of compaction <name>-compact."
  type        = string
  default     = "trailflow"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,39}$", var.name))
    error_message = "name must be 2 to 40 lower-case letters, digits and hyphens, and begin with a letter."
  }
}

################################################################################
# Where the logs are
################################################################################

variable "log_buckets" {
  description = "The buckets that hold CloudTrail and flow-log objects, by name: the key prefixes to read (no wildcards) and, for SSE-KMS, the key's ARN. What is below no prefix is neither announced nor readable. End a prefix with CloudTrail/, CloudTrail-Insight/, CloudTrail-NetworkActivity/ or vpcflowlogs/ and the digests and other services' files stay out. CloudTrail-Insight/ and CloudTrail-NetworkActivity/ are folders beside CloudTrail/, which that prefix does not cover: without the first the signal insights never finds anything, without the second what VPC endpoints refuse to strangers, and what KMS refuses by an endpoint's policy, is in no signal."
  type = map(object({
    prefixes    = list(string)
    kms_key_arn = optional(string)
  }))

  validation {
    condition     = length(var.log_buckets) > 0
    error_message = "log_buckets must name at least one bucket."
  }

  validation {
    condition     = alltrue([for name in keys(var.log_buckets) : can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", name))])
    error_message = "Each key of log_buckets must be a bucket's name, not its ARN or URL."
  }

  validation {
    condition     = alltrue([for bucket in var.log_buckets : length(bucket.prefixes) > 0 && alltrue([for prefix in bucket.prefixes : can(regex("^[^/*?][^*?]*$", prefix))])])
    error_message = "Each log bucket needs at least one prefix; a prefix is not empty, does not begin with / and holds no * or ?."
  }

  validation {
    condition     = alltrue([for bucket in var.log_buckets : bucket.kms_key_arn == null ? true : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[^*]+$", bucket.kms_key_arn))])
    error_message = "kms_key_arn must be a key's full ARN: an alias or a wildcard would grant more than one key."
  }
}

variable "log_bucket_account_id" {
  description = "The account that owns the log buckets. Null: this one. With another account its bucket policies must let the role read, and EventBridge rules cannot be made from here: use s3 or sns."
  type        = string
  default     = null

  validation {
    condition     = var.log_bucket_account_id == null ? true : can(regex("^[0-9]{12}$", var.log_bucket_account_id)) && var.notification_source != "eventbridge"
    error_message = "log_bucket_account_id is 12 digits, and then notification_source must be s3 or sns."
  }
}

################################################################################
# How they are announced
################################################################################

variable "notification_source" {
  description = "Who may put messages into the queue: eventbridge, s3 or sns. See the comment above the rules in main.tf."
  type        = string
  default     = "eventbridge"

  validation {
    condition     = contains(["eventbridge", "s3", "sns"], var.notification_source)
    error_message = "notification_source must be eventbridge, s3 or sns."
  }
}

variable "manage_bucket_notification" {
  description = "True: this module owns the WHOLE notification configuration of each log bucket and erases what was there. False: you turn EventBridge on, or add the queue, where the bucket is managed."
  type        = bool
  default     = false

  validation {
    condition     = !(var.manage_bucket_notification && (var.notification_source == "sns" || var.log_bucket_account_id != null))
    error_message = "manage_bucket_notification works with eventbridge or s3 and with buckets of this account only."
  }
}

variable "sns_topic_arns" {
  description = "With notification_source = sns: the topics that announce objects, S3's or CloudTrail's own."
  type        = list(string)
  default     = []

  validation {
    condition     = (var.notification_source == "sns") == (length(var.sns_topic_arns) > 0)
    error_message = "sns_topic_arns must name topics with notification_source = sns, and be empty otherwise."
  }

  validation {
    condition     = alltrue([for arn in var.sns_topic_arns : can(regex("^arn:[^:]+:sns:[^:]+:[0-9]{12}:[A-Za-z0-9_-]+$", arn))])
    error_message = "sns_topic_arns must be full ARNs of standard topics, without wildcards."
  }
}

################################################################################
# The queue
################################################################################

variable "visibility_timeout_seconds" {
  description = "Seconds a received message stays hidden (121 to 43200). Longer than the lake's lease of 120 s, so that a message whose worker died comes back when its claim can be taken over. The service asks for its own lease on every receive; this holds for whoever else receives."
  type        = number
  default     = 300

  validation {
    condition     = var.visibility_timeout_seconds > 120 && var.visibility_timeout_seconds <= 43200
    error_message = "visibility_timeout_seconds must be 121 to 43200: longer than the lease of 120 s."
  }
}

variable "message_retention_days" {
  description = "Days the queue keeps a message (1 to 14): how long the service may be down without a backfill."
  type        = number
  default     = 14

  validation {
    condition     = var.message_retention_days >= 1 && var.message_retention_days <= 14
    error_message = "message_retention_days must be 1 to 14."
  }
}

variable "max_receive_count" {
  description = "Receives before a message goes to the dead-letter queue (3 to 100)."
  type        = number
  default     = 5

  validation {
    condition     = var.max_receive_count >= 3 && var.max_receive_count <= 100
    error_message = "max_receive_count must be 3 to 100: fewer sends messages away that a deployment only interrupted."
  }
}

################################################################################
# The lake
################################################################################

variable "lake_bucket_name" {
  description = "The bucket to make for the lake. It belongs to trailflow alone."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.lake_bucket_name)) && !contains(keys(var.log_buckets), var.lake_bucket_name)
    error_message = "lake_bucket_name must be a bucket's name and not one of log_buckets: the service would announce its own files to itself."
  }
}

variable "lake_prefix" {
  description = "Path of the lake in its bucket, without a slash at either end. Empty: the bucket's root."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^$|^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", var.lake_prefix))
    error_message = "lake_prefix must be plain path segments without a slash at either end."
  }
}

variable "lake_kms_key_arn" {
  description = "The key for SSE-KMS of the lake. Null: SSE-S3."
  type        = string
  default     = null

  validation {
    condition     = var.lake_kms_key_arn == null ? true : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/[^*]+$", var.lake_kms_key_arn))
    error_message = "lake_kms_key_arn must be a key's full ARN, not an alias."
  }
}

variable "claims_retention_days" {
  description = "Days that claims and batch decisions are kept (at least 29). They must outlive the last redelivery: the day for which EventBridge tries, the queue's 14 days and the dead-letter queue's 14. A second backfill of the same objects is recognised for as long."
  type        = number
  default     = 45

  validation {
    condition     = var.claims_retention_days >= 29
    error_message = "claims_retention_days must be at least 29: the retention of the queue and of the dead-letter queue together, and EventBridge's day."
  }
}

variable "deleted_retention_days" {
  description = "Days that S3 keeps what was deleted or overwritten outside of _trailflow/, to take a mistake back (at least 1). Compaction deletes each file of a table once: its rows are stored a second time for as long."
  type        = number
  default     = 30

  validation {
    condition     = var.deleted_retention_days >= 1 && floor(var.deleted_retention_days) == var.deleted_retention_days
    error_message = "deleted_retention_days must be a whole number of days, at least 1."
  }
}

################################################################################
# Who runs it
################################################################################

variable "identity" {
  description = "How the service gets its role. irsa: oidc_provider_arn, namespace, service_account. pod_identity: cluster_name, namespace, service_account. ecs: nothing more."
  type = object({
    kind              = string
    oidc_provider_arn = optional(string)
    cluster_name      = optional(string)
    namespace         = optional(string, "trailflow")
    service_account   = optional(string, "trailflow")
  })

  validation {
    condition     = contains(["irsa", "pod_identity", "ecs"], var.identity.kind)
    error_message = "identity.kind must be irsa, pod_identity or ecs."
  }

  validation {
    condition     = var.identity.kind == "irsa" ? can(regex("^arn:[^:]+:iam::[0-9]{12}:oidc-provider/[^*]+$", var.identity.oidc_provider_arn)) : true
    error_message = "identity.kind irsa needs oidc_provider_arn, the ARN of the cluster's IAM OIDC provider."
  }

  validation {
    condition     = var.identity.kind == "pod_identity" ? can(regex("^[A-Za-z0-9][A-Za-z0-9_-]*$", var.identity.cluster_name)) : true
    error_message = "identity.kind pod_identity needs cluster_name."
  }

  validation {
    condition     = alltrue([for part in [var.identity.namespace, var.identity.service_account] : can(regex("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", part))])
    error_message = "identity.namespace and identity.service_account must be plain names: a wildcard would let other pods take the role."
  }
}

variable "compaction" {
  description = "How `trailflow compact` gets a role of its own, in the words of identity; null: there is none. It may delete files of the lake's tables, which the service may not, so it needs another service account than the service's. With ecs: the task role of the compaction's task."
  type = object({
    kind              = string
    oidc_provider_arn = optional(string)
    cluster_name      = optional(string)
    namespace         = optional(string, "trailflow")
    service_account   = optional(string, "trailflow-compact")
  })
  default = null

  validation {
    condition     = var.compaction == null ? true : contains(["irsa", "pod_identity", "ecs"], var.compaction.kind)
    error_message = "compaction.kind must be irsa, pod_identity or ecs."
  }

  validation {
    condition     = try(var.compaction.kind, null) == "irsa" ? can(regex("^arn:[^:]+:iam::[0-9]{12}:oidc-provider/[^*]+$", var.compaction.oidc_provider_arn)) : true
    error_message = "compaction.kind irsa needs oidc_provider_arn, the ARN of the cluster's IAM OIDC provider."
  }

  validation {
    condition     = try(var.compaction.kind, null) == "pod_identity" ? can(regex("^[A-Za-z0-9][A-Za-z0-9_-]*$", var.compaction.cluster_name)) : true
    error_message = "compaction.kind pod_identity needs cluster_name."
  }

  validation {
    condition     = var.compaction == null ? true : alltrue([for part in [var.compaction.namespace, var.compaction.service_account] : can(regex("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", part))])
    error_message = "compaction.namespace and compaction.service_account must be plain names: a wildcard would let other pods take the role."
  }

  validation {
    condition     = var.compaction == null ? true : [var.compaction.namespace, var.compaction.service_account] != [var.identity.namespace, var.identity.service_account]
    error_message = "compaction must have another service account than identity: the service could delete the lake's rows otherwise."
  }
}

variable "allow_backfill" {
  description = "Lets the role list the log prefixes, which only `trailflow backfill` needs. Backfill then works on these prefixes and below, not above them."
  type        = bool
  default     = true
}

################################################################################
# Alarms
################################################################################

variable "alarm_actions" {
  description = "ARNs to tell when an alarm fires or clears, such as an SNS topic."
  type        = list(string)
  default     = []
}

variable "alarm_age_seconds" {
  description = "Age of the oldest message that fires the alarm (at least 300)."
  type        = number
  default     = 900

  validation {
    condition     = var.alarm_age_seconds >= 300
    error_message = "alarm_age_seconds must be at least 300: CloudWatch sees the queue every few minutes."
  }
}

variable "tags" {
  description = "Tags of everything that can bear one."
  type        = map(string)
  default     = {}
}
