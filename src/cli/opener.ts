import type { ObjectInfo } from '../envelope/index.ts';
import type { Output } from './output.ts';

/** What people must know when nothing but a public key vouches for an object. */
export function tellOpener(out: Output, path: string, { openedBy }: Pick<ObjectInfo, 'openedBy'>): void {
  const { symmetricWrap, custodians, uri } = openedBy;
  if (custodians !== undefined) {
    out.say(`  opened together by ${custodians.map((one) => one.uri).join(' and ')}`);
    if (!symmetricWrap)
      out.say('  shares that were sent, or are wrapped for public keys, prove nothing about who sealed it');
  } else if (!symmetricWrap) tellPublicKey(out, path, uri);
}

export function tellPublicKey(out: Output, path: string, uri: string): void {
  out.warn(`${path} opened through a wrap to the public key ${uri}, which proves nothing about who sealed it`);
}
