import { createRequire } from 'node:module';
import type { Template } from '../../../providers/pkcs11/worker/graphene.ts';
import type { SoftHsm } from '../../servers/softhsm.ts';

interface Session {
  login(pin: string): void;
  close(): void;
  create(template: Template): unknown;
  destroy(template: Template): number;
}
interface Slot {
  getToken(): { readonly label: string };
  open(flags: number): Session;
  closeAll(): void;
}
interface Graphene {
  readonly Module: {
    load(path: string): {
      initialize(options: object): void;
      getSlots(withToken: boolean): { readonly length: number; items(at: number): Slot };
    };
  };
}

export const SECRET_KEY = 4;
export const PUBLIC_KEY = 2;
export const PRIVATE_KEY = 3;
export const AES = 0x1f;
export const RSA = 0;

/** The token as another program of its owner has it: in this process, past the provider. */
export class Direct {
  readonly #slot: Slot;
  readonly #pin: string;

  constructor({ library, token, pin }: SoftHsm) {
    const { Module } = createRequire(import.meta.url)('graphene-pk11') as Graphene;
    const module = Module.load(library);
    module.initialize({ flags: 2 });
    const slots = module.getSlots(true);
    const all = Array.from({ length: slots.length }, (_, at) => slots.items(at));
    const slot = all.find((one) => one.getToken().label.trim() === token);
    if (slot === undefined) throw new TypeError(`no token ${token}`);
    this.#slot = slot;
    this.#pin = pin;
  }

  create(template: Template): void {
    this.#with((session) => session.create({ token: true, ...template }));
  }

  destroy(template: Template): number {
    return this.#with((session) => session.destroy({ token: true, ...template }));
  }

  /** C_CloseAllSessions: those of the provider, too, and with them the login. */
  closeAll(): void {
    this.#slot.closeAll();
  }

  #with<T>(work: (session: Session) => T): T {
    const session = this.#slot.open(6);
    try {
      try {
        session.login(this.#pin);
      } catch (error) {
        if (!String(error).includes('ALREADY_LOGGED_IN')) throw error;
      }
      return work(session);
    } finally {
      session.close();
    }
  }
}

/** An AES key with a value that the test knows. */
export function knownAes(label: string, id: string, value: Uint8Array, more: Template = {}): Template {
  const uses = { encrypt: true, decrypt: true, wrap: true, unwrap: true };
  const kind = { class: SECRET_KEY, keyType: AES, private: true, sensitive: true, extractable: false };
  return { ...kind, ...uses, label, id: Buffer.from(id, 'hex'), value: Buffer.from(value), ...more };
}
