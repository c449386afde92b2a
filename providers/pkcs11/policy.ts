import type { PolicyRole } from '../../src/keys/provider.ts';
import type { Mechanism } from './protocol.ts';

type Flags = Readonly<Record<PolicyRole, readonly string[]>>;

const FLAGS: Readonly<Record<Mechanism, Flags>> = {
  'aes-gcm': {
    sealer: ['CKA_ENCRYPT=true', 'CKA_DECRYPT=true'],
    opener: ['CKA_DECRYPT=true'],
    'blind-rewrapper': ['none: AES-GCM cannot rewrap inside the token; use aes-kwp'],
    rotator: [],
  },
  'aes-kwp': {
    sealer: ['CKA_WRAP=true', 'CKA_UNWRAP=true'],
    opener: ['CKA_UNWRAP=true'],
    'blind-rewrapper': ['CKA_WRAP=true', 'CKA_UNWRAP=true', 'CKA_UNWRAP_TEMPLATE={CKA_SENSITIVE=true}'],
    rotator: [],
  },
  'rsa-oaep': {
    sealer: ['CKA_ENCRYPT=true (public key)', 'CKA_DECRYPT=true (private key)'],
    opener: ['CKA_DECRYPT=true (private key)'],
    'blind-rewrapper': ['CKA_WRAP=true (public key)', 'CKA_UNWRAP=true and CKA_DECRYPT=false (private key)'],
    rotator: [],
  },
};

/** What a key of a token needs for a role. A token knows flags of keys and a login, not users. */
export function tokenPolicy(role: PolicyRole, mechanism: Mechanism): string {
  const always = ['CKA_SENSITIVE=true', 'CKA_EXTRACTABLE=false', 'CKA_PRIVATE=true'];
  const rotator = ['a login that may create token objects (CKU_USER, read-write session)'];
  return `${[...FLAGS[mechanism][role], ...(role === 'rotator' ? rotator : always)].join('\n')}\n`;
}
