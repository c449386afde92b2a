import { hasGcpKms } from './gcp-kms.ts';
import { hasMoto } from './moto.ts';
import { hasNss } from './nss.ts';
import { hasOpenBao } from './openbao.ts';
import { hasSoftHsm } from './softhsm.ts';

/** Servers that are not here, with what they are for. */
export function missingServers(): string[] {
  const servers: readonly (readonly [string, boolean])[] = [
    ['moto, to test AWS KMS (Python)', hasMoto()],
    ['the emulator of Cloud KMS, to test Google Cloud KMS (Go)', hasGcpKms()],
    ['OpenBao, to test Transit (Go)', hasOpenBao()],
    ['SoftHSM, to test PKCS#11 (softhsm2 of Debian, a C++ compiler)', hasSoftHsm()],
    ['NSS, to test PKCS#11 (libnss3 of Debian)', hasNss()],
  ];
  return servers.flatMap(([what, present]) => (present ? [] : [`${what} (npm run servers:install)`]));
}
