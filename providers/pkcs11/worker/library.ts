import { createHash } from 'node:crypto';
import type { TokenFacts, TokenQuery, WorkerStart } from '../protocol.ts';
import { Failure, failureOf } from './failure.ts';
import type { Graphene, GrapheneSlot } from './graphene.ts';
import { Token } from './token.ts';

/** CKF_OS_LOCKING_OK: the library is called by several threads. */
const OS_LOCKING = 2;

interface Entry {
  readonly token: Token;
  /** Of the slot. */
  readonly slot: string;
  readonly pin: string;
  users: number;
}

type Facts = Omit<TokenFacts, 'handle'>;

/** A PKCS#11 library, initialised once in this process, and its tokens that are in use. */
export class Library {
  readonly #graphene: Graphene;
  readonly #module: ReturnType<Graphene['Module']['load']>;
  readonly #tokens = new Map<number, Entry>();
  /** Slots with digests of PINs that they refused: a token locks itself after a few wrong ones. */
  readonly #refused = new Set<string>();
  #next: number;

  constructor(graphene: Graphene, { library, libraryParameters, firstHandle }: WorkerStart) {
    this.#graphene = graphene;
    this.#next = firstHandle;
    try {
      this.#module = graphene.Module.load(library);
    } catch (error) {
      throw new Failure('LIBRARY', failureOf(error).message);
    }
    try {
      this.#module.initialize(
        libraryParameters === undefined ? { flags: OS_LOCKING } : { flags: OS_LOCKING, libraryParameters },
      );
    } catch (error) {
      const { kind, message } = failureOf(error);
      if (kind !== 'CKR_CRYPTOKI_ALREADY_INITIALIZED') throw new Failure('START', message);
    }
  }

  /** Finds the one token that is meant, and logs in. Asked for again with the same PIN, it is the same. */
  open(query: TokenQuery): TokenFacts {
    const { slot, facts } = this.#find(query);
    const name = `${slot.handle.toString('hex')}:${facts.serial}`;
    const pin = createHash('sha256').update(query.pin).digest('hex');
    if (this.#refused.has(`${name}:${pin}`)) {
      throw new Failure('PIN', 'this PIN was refused before and is not tried again');
    }
    for (const [handle, entry] of this.#tokens) {
      if (entry.slot !== name) continue;
      // Logged in already, the library would take any PIN.
      if (entry.pin !== pin) throw new Failure('PIN', 'the token is in use with another PIN');
      entry.users += 1;
      return { ...facts, handle };
    }
    const token = new Token(this.#graphene, slot, query.pin, query.sessions);
    try {
      token.login();
    } catch (error) {
      if (failureOf(error).kind === 'PIN') this.#refused.add(`${name}:${pin}`);
      throw error;
    }
    const handle = this.#next++;
    this.#tokens.set(handle, { token, slot: name, pin, users: 1 });
    return { ...facts, handle };
  }

  token(handle: number): Token {
    const entry = this.#tokens.get(handle);
    if (entry === undefined) throw new Failure('RELEASED', 'the key was closed, or the thread of the library ended');
    return entry.token;
  }

  release(handle: number): void {
    const entry = this.#tokens.get(handle);
    if (entry === undefined || (entry.users -= 1) > 0) return;
    this.#tokens.delete(handle);
    entry.token.close();
  }

  #find(query: TokenQuery): { readonly slot: GrapheneSlot; readonly facts: Facts } {
    const slots = this.#module.getSlots(true);
    const found: { slot: GrapheneSlot; facts: Facts }[] = [];
    const seen: string[] = [];
    for (let at = 0; at < slots.length; at += 1) {
      const slot = slots.items(at);
      const facts = factsOf(slot);
      if (facts === undefined) continue;
      if (facts.label !== '') seen.push(facts.label);
      if (fits(query, facts, slot)) found.push({ slot, facts });
    }
    const [one, two] = found;
    if (one === undefined) {
      throw new Failure('TOKEN', `no token fits; there are: ${seen.length === 0 ? 'none' : seen.join(', ')}`);
    }
    if (two !== undefined) throw new Failure('TOKEN', 'more than one token fits: name its serial number');
    return one;
  }
}

/** Undefined for a token that was taken out, or is not one. */
function factsOf(slot: GrapheneSlot): Facts | undefined {
  try {
    const { label, manufacturer, manufacturerID, model, serialNumber } = slot.getToken();
    const text = (value: string | undefined): string => (value ?? '').replace(/[\0 ]+$/, '');
    return {
      label: text(label),
      manufacturer: text(manufacturerID ?? manufacturer),
      model: text(model),
      serial: text(serialNumber),
    };
  } catch (error) {
    if (failureOf(error).kind.startsWith('CKR_TOKEN')) return undefined;
    throw error;
  }
}

function fits(query: TokenQuery, facts: Facts, slot: GrapheneSlot): boolean {
  if (query.slotId !== undefined && slot.handle.readUInt32LE(0) !== query.slotId) return false;
  return (
    (query.token === undefined || query.token === facts.label) &&
    (query.serial === undefined || query.serial === facts.serial) &&
    (query.manufacturer === undefined || query.manufacturer === facts.manufacturer) &&
    (query.model === undefined || query.model === facts.model)
  );
}
