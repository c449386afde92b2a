import { createSecretKey, type KeyObject } from 'node:crypto';
import { zero } from '../secrets.ts';
import { floeKdf, MESSAGE_KEY, type MessageContext, segmentKeyPurpose } from './kdf.ts';
import { KEY_LENGTH, type ResolvedParams } from './params.ts';

/** What a state was started for. */
export type Direction = 'encrypt' | 'decrypt';

// The functions below reach into the class, so that they are no methods of the public type.

/** What one message is, beside its key. */
export interface Message {
  readonly params: ResolvedParams;
  readonly context: MessageContext;
}

const MESSAGE_KEY_LENGTH = 48;

/** Makes a state; `key` is read only and not kept. */
export let createState: (direction: Direction, message: Message, key: Uint8Array) => FloeState;

/** The parameters of a state. Throws TypeError when it is closed or was started for the other direction. */
export let paramsFor: (state: FloeState, direction: Direction) => ResolvedParams;

/** The AES-256-GCM key for a position. */
export let segmentKeyAt: (state: FloeState, position: number) => KeyObject | Uint8Array;

/**
 * The state of one FLOE message: its message key and the segment key used last. Opaque; made by `startEncryption`
 * and `startDecryption`, used by the functions beside them. It belongs to whoever started it: {@link FloeState.close}
 * it when done.
 */
export class FloeState {
  readonly #direction: Direction;
  readonly #params: ResolvedParams;
  readonly #context: MessageContext;
  readonly #messageKey: Uint8Array;
  /** The segment key of the positions from `#first` on; one is enough for everything that runs in order. */
  #segmentKey: KeyObject | Uint8Array | undefined;
  #first = 0;
  #closed = false;

  private constructor(direction: Direction, params: ResolvedParams, context: MessageContext, messageKey: Uint8Array) {
    this.#direction = direction;
    this.#params = params;
    this.#context = context;
    this.#messageKey = messageKey;
  }

  static {
    createState = (direction, { params, context }, key) =>
      new FloeState(direction, params, context, floeKdf(key, context, MESSAGE_KEY, MESSAGE_KEY_LENGTH));
    paramsFor = (state, direction) => {
      if (!(#params in state)) throw new TypeError('state must come from startEncryption or startDecryption');
      if (state.#closed) throw new TypeError('the FLOE state is closed');
      if (state.#direction !== direction) {
        throw new TypeError(`a FLOE state that was started to ${state.#direction} cannot ${direction}`);
      }
      return state.#params;
    };
    segmentKeyAt = (state, position) => state.#keyAt(position);
  }

  /** `DERIVE_KEY`: the segment key of a position, whose low `rotationMask` bits are cleared first. */
  #keyAt(position: number): KeyObject | Uint8Array {
    const first = position - (position % 2 ** this.#params.rotationMask);
    const known = this.#first === first ? this.#segmentKey : undefined;
    if (known === undefined) {
      this.#forgetSegmentKey();
      this.#segmentKey = floeKdf(this.#messageKey, this.#context, segmentKeyPurpose(first), KEY_LENGTH);
      this.#first = first;
      return this.#segmentKey;
    }
    if (!(known instanceof Uint8Array)) return known;
    // A cipher starts faster from a KeyObject, which costs more to make than a single segment saves.
    const made = createSecretKey(known);
    zero(known);
    this.#segmentKey = made;
    return made;
  }

  #forgetSegmentKey(): void {
    if (this.#segmentKey instanceof Uint8Array) zero(this.#segmentKey);
    this.#segmentKey = undefined;
  }

  /**
   * Zeroes the keys (OpenSSL clears its copy of the segment key when the handle is collected). Any
   * later use of the state is a TypeError; closing again is fine.
   */
  close(): void {
    this.#closed = true;
    zero(this.#messageKey);
    this.#forgetSegmentKey();
  }
}
