export { onAbandon } from './abandon.ts';
export {
  allocateUnset,
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
export { cborLength, type CborMap, type CborValue, encodeCbor } from './encode-cbor.ts';
