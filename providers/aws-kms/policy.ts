import type { PolicyRole } from '../../src/keys/provider.ts';

const ACTIONS: Readonly<Record<PolicyRole, readonly string[]>> = {
  sealer: ['kms:GenerateDataKey', 'kms:Encrypt', 'kms:Decrypt', 'kms:DescribeKey'],
  opener: ['kms:Decrypt', 'kms:DescribeKey'],
  'blind-rewrapper': ['kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:DescribeKey'],
  rotator: ['kms:DescribeKey', 'kms:ListKeyRotations', 'kms:RotateKeyOnDemand'],
};

/** Actions that take an encryption context: only for wraps of ours. */
const IN_CONTEXT = new Set([
  'kms:GenerateDataKey',
  'kms:Encrypt',
  'kms:Decrypt',
  'kms:ReEncryptFrom',
  'kms:ReEncryptTo',
]);

/**
 * The least IAM policy for a role, as JSON. What takes an encryption context is allowed for wraps of Waxseal only, which
 * carry `waxseal` in theirs.
 *
 * @see https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html
 */
export function iamPolicy(role: PolicyRole, arn: string): string {
  const actions = ACTIONS[role];
  const [bound, plain] = [
    actions.filter((action) => IN_CONTEXT.has(action)),
    actions.filter((a) => !IN_CONTEXT.has(a)),
  ];
  const statement = (Sid: string, Action: readonly string[], Condition?: object): object[] =>
    Action.length === 0 ? [] : [{ Sid, Effect: 'Allow', Action, Resource: arn, ...(Condition && { Condition }) }];
  const onlyWraps = { 'ForAllValues:StringEquals': { 'kms:EncryptionContextKeys': ['waxseal'] } };
  return JSON.stringify(
    {
      Version: '2012-10-17',
      Statement: [
        ...statement('WaxsealWraps', bound, { ...onlyWraps, Null: { 'kms:EncryptionContext:waxseal': 'false' } }),
        ...statement('WaxsealKey', plain),
      ],
    },
    undefined,
    2,
  );
}
