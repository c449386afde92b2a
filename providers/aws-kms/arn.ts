/** The ARN of a KMS key, taken apart. */
export interface KeyArn {
  /** The whole of it. */
  readonly arn: string;
  /** `aws`, `aws-us-gov`, `aws-cn`, … */
  readonly partition: string;
  readonly region: string;
  /** Twelve digits. */
  readonly account: string;
  /** A UUID, or `mrk-` and 32 hexadecimal digits for a multi-Region key. */
  readonly keyId: string;
}

const KEY_ARN = /^arn:(aws[a-z-]*):kms:([a-z0-9-]{1,32}):(\d{12}):key\/([a-zA-Z0-9-]{1,64})$/;

/** The parts of the ARN of a key; undefined for anything else, ARNs of aliases included. */
export function parseKeyArn(text: string): KeyArn | undefined {
  const [arn, partition, region, account, keyId] = KEY_ARN.exec(text) ?? [];
  if (arn === undefined || partition === undefined || region === undefined) return undefined;
  if (account === undefined || keyId === undefined) return undefined;
  return { arn, partition, region, account, keyId };
}

const ALIAS = /^(?:arn:(aws[a-z-]*):kms:([a-z0-9-]{1,32}):(\d{12}):)?alias\/[a-zA-Z0-9/_-]{1,250}$/;

/** The region that an alias ARN names; undefined for a bare alias name; null for what is no alias. */
export function aliasRegion(text: string): string | null | undefined {
  const match = ALIAS.exec(text);
  return match === null ? null : match[2];
}

/** Whether two ARNs name the same multi-Region key in the same account, in whatever regions. */
export function isReplica(a: KeyArn, b: KeyArn): boolean {
  return a.keyId.startsWith('mrk-') && a.keyId === b.keyId && a.account === b.account && a.partition === b.partition;
}
