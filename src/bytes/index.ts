export { onAbandon } from './abandon.ts';
export {
  ascii,
  concat,
  equalBytes,
  fromBase64Url,
  isZero,
  readU32,
  readU64,
  toBase64Url,
  toHex,
  writeU32,
  writeU64,
} from './bytes.ts';
export { decodeCanonicalCbor, decodeCanonicalCborFirst } from './canonical-cbor.ts';
export { type CborMap, type CborValue, encodeCbor } from './encode-cbor.ts';
