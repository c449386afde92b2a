import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasGraphene } from './graphene.ts';

const SOFTOKEN = [
  '/usr/lib/x86_64-linux-gnu/libsoftokn3.so',
  '/usr/lib/aarch64-linux-gnu/libsoftokn3.so',
  '/usr/lib64/libsoftokn3.so',
].find((path) => existsSync(path));

/** Whether the token of Mozilla's NSS and the binding of PKCS#11 are there (`npm run servers:install`). */
export const hasNss = (): boolean => SOFTOKEN !== undefined && hasGraphene();

/** NSS's token: a second opinion, with RSA-OAEP of SHA-256 and the mechanism numbers of PKCS#11 3.0. */
export interface Nss {
  readonly library: string;
  readonly libraryParameters: string;
  readonly token: string;
  readonly pin: string;
  remove(): void;
}

interface Graphene {
  readonly Module: { load(path: string): { initialize(options: object): void; getSlots(withToken: boolean): Slots } };
}
interface Slots {
  readonly length: number;
  items(at: number): { getToken(): { label: string }; open(flags: number): Session };
}
interface Session {
  login(pin: string, user?: number): void;
  initPin(pin: string): void;
  logout(): void;
  close(): void;
}

/** Makes a database with a token and sets its PIN, in this process: the library is initialised once in a process. */
export function makeNss(): Nss {
  if (SOFTOKEN === undefined) throw new TypeError('NSS is not installed');
  const folder = mkdtempSync(join(tmpdir(), 'waxseal-nss-'));
  const libraryParameters = `configdir='sql:${folder}' certPrefix='' keyPrefix='' secmod='' flags=optimizeSpace `;
  const [token, pin] = ['NSS Certificate DB', '1234-of-the-test'];
  const { Module } = createRequire(import.meta.url)('graphene-pk11') as Graphene;
  const module = Module.load(SOFTOKEN);
  module.initialize({ libraryParameters, flags: 0 });
  const slots = module.getSlots(true);
  for (let at = 0; at < slots.length; at += 1) {
    const slot = slots.items(at);
    if (slot.getToken().label.trim() !== token) continue;
    const session = slot.open(6);
    session.login('', 0);
    session.initPin(pin);
    session.logout();
    session.close();
  }
  return { library: SOFTOKEN, libraryParameters, token, pin, remove: () => rmSync(folder, { recursive: true }) };
}
