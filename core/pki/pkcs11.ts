import type Pkcs11 from 'pkcs11js';
import { equalBytes, fromHex, toHex } from '../bytes.ts';
import type { CurveName, SignatureAlgorithm } from '../crypto/backend.ts';
import { curves } from '../crypto/curves.ts';
import { nodeBackend } from '../crypto/node.ts';
import { readDer } from '../der/reader.ts';
import { bitString, oid, sequence } from '../der/writer.ts';
import { ConsulError } from '../errors.ts';
import type { KeyKind } from './key-kind.ts';
import type { Signer } from './signer.ts';

/** A token and what opens it: plain data, so that a worker thread can be given it and open a session of its own. */
export interface TokenPlace {
  /** Path of the PKCS#11 module that the maker of the token ships. */
  readonly module: string;
  /** Label of the token, without the blanks that pad it. */
  readonly token: string;
  /** PIN of the user. */
  readonly pin: string;
}

/** A key pair in a token: CKA_LABEL, CKA_ID (hexadecimal) or both; exactly one private key must answer. */
export type TokenKey = { readonly label: string; readonly id?: string } | { readonly id: string };

/** An open session of one thread in one token. */
export interface Token {
  /**
   * A signer whose private key never leaves the token: one that could be read out is refused.
   * @throws ConsulError KEY_INVALID, TOKEN_UNAVAILABLE, PIN_WRONG; `sign` throws the same
   */
  signer(key: TokenKey): Signer;
  /**
   * Makes a key pair that stays in the token (CKA_SENSITIVE, not CKA_EXTRACTABLE).
   * @throws ConsulError KEY_EXISTS when a private key has that label or identifier already; KEY_INVALID for RSA
   */
  generate(key: { readonly label: string; readonly id: string }, kind: KeyKind): Signer;
  /** Takes a key pair out of the token for good; one that is not there is no error. */
  destroy(key: TokenKey): void;
  close(): void;
}

type Constants = typeof Pkcs11;
type Library = Pkcs11.PKCS11;
type Handle = Pkcs11.Handle;

// Names of PKCS#11 v3.0 (OASIS) that the package does not have yet.
const ckkEcEdwards = 0x40;
const ckmEcEdwardsKeyPairGen = 0x1055;
const ckmEddsa = 0x1057;

/** Ways in which a session ends without us: another thread, a token that was drawn, a network that was away. */
const lost = new Set([
  0x30, // CKR_DEVICE_ERROR
  0x32, // CKR_DEVICE_REMOVED
  0xb0, // CKR_SESSION_CLOSED
  0xb3, // CKR_SESSION_HANDLE_INVALID
  0xe0, // CKR_TOKEN_NOT_PRESENT
  0x101, // CKR_USER_NOT_LOGGED_IN
  0x190, // CKR_CRYPTOKI_NOT_INITIALIZED
]);
const ckrCryptokiAlreadyInitialized = 0x191;
const ckrUserAlreadyLoggedIn = 0x100;
/** CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_EXPIRED, CKR_PIN_LOCKED. */
const wrongPin = new Set([0xa0, 0xa1, 0xa2, 0xa3, 0xa4]);

/** CKR code of an error that came out of the module; undefined for any other. */
function codeOf(error: unknown): number | undefined {
  const { name, code } = error as { name?: unknown; code?: unknown };
  return (name === 'Pkcs11Error' || name === 'NativeError') && typeof code === 'number' ? code : undefined;
}

/** What a caller can act on, instead of the words of the module. */
function asTokenError(error: unknown, { token }: TokenPlace): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  const { message } = error as Error;
  if (wrongPin.has(code))
    return new ConsulError('PIN_WRONG', `the token ${token} does not take the PIN (${message})`, {
      cause: error,
    });
  return new ConsulError('TOKEN_UNAVAILABLE', `the token ${token} failed (${message})`, { cause: error });
}

const describe = (key: { readonly label?: string; readonly id?: string }): string =>
  [key.label === undefined ? '' : `labelled ${key.label}`, key.id === undefined ? '' : `with id ${key.id}`]
    .filter(Boolean)
    .join(' ');

/** One instance a path and thread of the module, loaded and initialised; the process shares its state. */
function load({ PKCS11, CKF_OS_LOCKING_OK }: Constants, module: string): Library {
  const library = new PKCS11();
  try {
    library.load(module);
  } catch (cause) {
    throw new ConsulError('TOKEN_UNAVAILABLE', `the PKCS#11 module ${module} cannot be loaded`, { cause });
  }
  try {
    // Several threads use the module: it must lock by the means of the operating system (PKCS#11 §5.4, C_Initialize).
    library.C_Initialize({ flags: CKF_OS_LOCKING_OK });
  } catch (cause) {
    if (codeOf(cause) !== ckrCryptokiAlreadyInitialized)
      throw new ConsulError('TOKEN_UNAVAILABLE', `the PKCS#11 module ${module} does not start`, { cause });
  }
  return library;
}

function slotOf(library: Library, { token, module }: TokenPlace): Handle {
  const slots = library
    .C_GetSlotList(true)
    .filter((slot) => library.C_GetTokenInfo(slot).label.replace(/[\s\0]+$/, '') === token);
  const [slot] = slots;
  if (!slot || slots.length > 1)
    throw new ConsulError(
      'TOKEN_UNAVAILABLE',
      `${slots.length === 0 ? 'no token' : `${slots.length} tokens`} labelled ${token} in ${module}`,
    );
  return slot;
}

/** Log-in holds for all sessions of the process: another thread may have done it. */
function login(library: Library, constants: Constants, session: Handle, pin: string): void {
  try {
    library.C_Login(session, constants.CKU_USER, pin);
  } catch (error) {
    if (codeOf(error) !== ckrUserAlreadyLoggedIn) throw error;
  }
}

const curveOfParameters = new Map(
  (Object.keys(curves) as CurveName[]).map((name) => [toHex(oid(curves[name].oid)), name]),
);
const hashes = { 'P-256': 'sha256', 'P-384': 'sha384', 'P-521': 'sha512' } as const;
const idEd25519 = oid('1.3.101.112');
const idEcPublicKey = oid('1.2.840.10045.2.1');
/** The other form of PKCS#11 v3.0 §2.3.5: curveName, a PrintableString. */
const nameEd25519 = fromHex('130c656477617264733235353139');

/** CKA_EC_POINT is a DER OCTET STRING; some modules leave the bare point. */
function pointOf(value: Uint8Array, length: number): Uint8Array {
  return value.length === length ? value : readDer(value).octets();
}

/** Algorithm and SubjectPublicKeyInfo (RFC 5480, RFC 8410) from CKA_EC_PARAMS and CKA_EC_POINT. */
function publicHalf(
  keyType: number,
  ckkEc: number,
  parameters: Uint8Array,
  point: Uint8Array,
): Pick<Signer, 'algorithm' | 'publicKey'> | undefined {
  if (keyType === ckkEcEdwards) {
    if (!equalBytes(parameters, idEd25519) && !equalBytes(parameters, nameEd25519)) return undefined;
    return {
      algorithm: { name: 'ed25519' },
      publicKey: sequence(sequence(idEd25519), bitString(pointOf(point, 32))),
    };
  }
  const curve = keyType === ckkEc ? curveOfParameters.get(toHex(parameters)) : undefined;
  if (!curve) return undefined;
  return {
    algorithm: { name: 'ecdsa', curve, hash: hashes[curve] },
    publicKey: sequence(
      sequence(idEcPublicKey, oid(curves[curve].oid)),
      bitString(pointOf(point, 1 + 2 * curves[curve].fieldLength)),
    ),
  };
}

/** Attributes as the package wants and gives them: little-endian CK_ULONG, one byte for CK_BBOOL. */
const number = (value: Buffer): number => value.readUInt32LE(0);
const flag = (value: Buffer): boolean => value[0] === 1;

/**
 * Opens a session in a token. Signing blocks the thread for as long as the token takes; several threads, each with a
 * session of its own, use a token that can do more than one thing at a time.
 * A session that was lost (token drawn and put back, network away) is opened again once for each signature.
 * @throws ConsulError TOKEN_UNAVAILABLE, PIN_WRONG
 */
export async function openToken(place: TokenPlace): Promise<Token> {
  const constants = await import('pkcs11js').then(
    (imported) => imported.default,
    (cause: unknown) => {
      throw new ConsulError('TOKEN_UNAVAILABLE', 'the package pkcs11js was not built on this machine', {
        cause,
      });
    },
  );
  const {
    CKA_ALWAYS_AUTHENTICATE,
    CKA_CLASS,
    CKA_DERIVE,
    CKA_EC_PARAMS,
    CKA_EC_POINT,
    CKA_EXTRACTABLE,
    CKA_ID,
    CKA_KEY_TYPE,
    CKA_LABEL,
    CKA_NEVER_EXTRACTABLE,
    CKA_PRIVATE,
    CKA_SENSITIVE,
    CKA_SIGN,
    CKA_TOKEN,
    CKA_VERIFY,
    CKF_RW_SESSION,
    CKF_SERIAL_SESSION,
    CKK_EC,
    CKM_EC_KEY_PAIR_GEN,
    CKM_ECDSA,
    CKO_PRIVATE_KEY,
    CKO_PUBLIC_KEY,
    CKU_CONTEXT_SPECIFIC,
  } = constants;
  const library = load(constants, place.module);

  const open = (flags: number): Handle => {
    const session = library.C_OpenSession(slotOf(library, place), CKF_SERIAL_SESSION | flags);
    try {
      login(library, constants, session, place.pin);
      return session;
    } catch (error) {
      library.C_CloseSession(session);
      throw error;
    }
  };

  /** Calls of one session, with the errors of the module as our own. */
  const told = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw asTokenError(error, place);
    }
  };

  let session = told(() => open(0));
  /** Counts the sessions: a handle of an earlier one means nothing. */
  let generation = 0;

  const search = (within: Handle, template: Pkcs11.Template): Handle[] => {
    library.C_FindObjectsInit(within, template);
    try {
      return library.C_FindObjects(within, 2);
    } finally {
      library.C_FindObjectsFinal(within);
    }
  };

  const attributes = (object: Handle, ...types: number[]): Buffer[] =>
    library
      .C_GetAttributeValue(
        session,
        object,
        types.map((type) => ({ type })),
      )
      .map(({ value }) => value);

  const named = (key: { readonly label?: string; readonly id?: string }): Pkcs11.Template => [
    ...(key.label === undefined ? [] : [{ type: CKA_LABEL, value: key.label }]),
    ...(key.id === undefined ? [] : [{ type: CKA_ID, value: Buffer.from(fromHex(key.id)) }]),
  ];

  function privateKey(key: TokenKey): Handle {
    const found = search(session, [{ type: CKA_CLASS, value: CKO_PRIVATE_KEY }, ...named(key)]);
    const [only] = found;
    if (!only || found.length > 1)
      throw new ConsulError(
        'KEY_INVALID',
        `${only ? 'more than one private key' : 'no private key'} ${describe(key)} in the token ${place.token}`,
      );
    return only;
  }

  /** The public key of a pair has the same identifier; one without an identifier has the same label. */
  function publicKey(key: TokenKey, id: Buffer): Handle {
    const template = id.length > 0 ? [{ type: CKA_ID, value: id }] : named(key);
    const found = search(session, [{ type: CKA_CLASS, value: CKO_PUBLIC_KEY }, ...template]);
    const [only] = found;
    if (!only || found.length > 1)
      throw new ConsulError(
        'KEY_INVALID',
        `${only ? 'more than one public key' : 'no public key'} beside the private key ${describe(key)} in the token ${place.token}`,
      );
    return only;
  }

  function demandKept(handle: Handle, key: TokenKey): void {
    const [sensitive, extractable] = attributes(handle, CKA_SENSITIVE, CKA_EXTRACTABLE);
    if (sensitive && extractable && flag(sensitive) && !flag(extractable)) return;
    throw new ConsulError(
      'KEY_INVALID',
      `the private key ${describe(key)} can be read out of the token ${place.token}`,
    );
  }

  function signer(key: TokenKey): Signer {
    let handle = privateKey(key);
    let from = generation;
    demandKept(handle, key);
    const [type, id, always] = attributes(handle, CKA_KEY_TYPE, CKA_ID, CKA_ALWAYS_AUTHENTICATE);
    if (!type || !id || !always) throw new ConsulError('INTERNAL', 'the module left an attribute out');
    const [parameters, point] = attributes(publicKey(key, id), CKA_EC_PARAMS, CKA_EC_POINT);
    const half = parameters && point ? publicHalf(number(type), CKK_EC, parameters, point) : undefined;
    if (!half)
      throw new ConsulError(
        'KEY_INVALID',
        `the private key ${describe(key)} in the token ${place.token} is of a kind that does not sign here`,
      );
    const { algorithm } = half;
    const scheme = schemeOf(algorithm, CKM_ECDSA);
    const askAgain = flag(always);

    const attempt = (input: Buffer): Uint8Array => {
      if (from !== generation) {
        handle = privateKey(key);
        from = generation;
      }
      library.C_SignInit(session, { mechanism: scheme.mechanism }, handle);
      // A key that wants the PIN for every use (PKCS#11 §4.9, CKA_ALWAYS_AUTHENTICATE).
      if (askAgain) library.C_Login(session, CKU_CONTEXT_SPECIFIC, place.pin);
      return new Uint8Array(library.C_Sign(session, input, Buffer.alloc(scheme.length)));
    };

    const signature = (input: Buffer): Uint8Array => {
      try {
        return attempt(input);
      } catch (error) {
        const code = codeOf(error);
        if (code === undefined) throw error;
        // What was begun and not ended would stand in the way of the next.
        reopen();
        if (!lost.has(code)) throw error;
        return attempt(input);
      }
    };

    return {
      ...half,
      sign: async (data) => {
        const input = Buffer.from(scheme.hash ? await nodeBackend.digest(scheme.hash, data) : data);
        const made = told(() => signature(input));
        // r||s of the full length each (PKCS#11 v3.0 §2.3.1); Ed25519 has the same form.
        if (made.length !== scheme.length)
          throw new ConsulError('TOKEN_UNAVAILABLE', `a signature of ${made.length} bytes`);
        return made;
      },
    };
  }

  function reopen(): void {
    try {
      library.C_CloseSession(session);
    } catch (error) {
      if (!lost.has(codeOf(error) ?? -1)) throw error;
    }
    try {
      library.C_Initialize({ flags: constants.CKF_OS_LOCKING_OK });
    } catch (error) {
      if (codeOf(error) !== ckrCryptokiAlreadyInitialized) throw error;
    }
    session = open(0);
    generation++;
  }

  function generate(key: { readonly label: string; readonly id: string }, kind: KeyKind): Signer {
    const taken = [{ label: key.label }, { id: key.id }].some(
      (half) => search(session, [{ type: CKA_CLASS, value: CKO_PRIVATE_KEY }, ...named(half)]).length > 0,
    );
    if (taken)
      throw new ConsulError(
        'KEY_EXISTS',
        `a private key ${describe(key)} is in the token ${place.token} already`,
      );
    if (kind === 'RSA-3072' || kind === 'RSA-4096')
      throw new ConsulError('KEY_INVALID', `keys in a token are of P-256 or P-384 here, not ${kind}`);
    const edwards = kind === 'ed25519';
    const shared = [
      { type: CKA_KEY_TYPE, value: edwards ? ckkEcEdwards : CKK_EC },
      { type: CKA_TOKEN, value: true },
      ...named(key),
    ];
    const writing = open(CKF_RW_SESSION);
    try {
      const pair = library.C_GenerateKeyPair(
        writing,
        { mechanism: edwards ? ckmEcEdwardsKeyPairGen : CKM_EC_KEY_PAIR_GEN },
        [
          ...shared,
          { type: CKA_VERIFY, value: true },
          { type: CKA_EC_PARAMS, value: Buffer.from(edwards ? idEd25519 : oid(curves[kind].oid)) },
        ],
        [
          ...shared,
          { type: CKA_PRIVATE, value: true },
          { type: CKA_SENSITIVE, value: true },
          { type: CKA_EXTRACTABLE, value: false },
          { type: CKA_SIGN, value: true },
          { type: CKA_DERIVE, value: false },
        ],
      );
      // A module may take a template and not keep it.
      const [never] = library.C_GetAttributeValue(writing, pair.privateKey, [
        { type: CKA_NEVER_EXTRACTABLE },
      ]);
      if (!never || !flag(never.value))
        throw new ConsulError('KEY_INVALID', `the token ${place.token} made a key that can be read out`);
    } finally {
      library.C_CloseSession(writing);
    }
    return signer(key);
  }

  function destroy(key: TokenKey): void {
    const writing = open(CKF_RW_SESSION);
    try {
      for (const kind of [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY])
        for (const handle of search(writing, [{ type: CKA_CLASS, value: kind }, ...named(key)]))
          library.C_DestroyObject(writing, handle);
    } finally {
      library.C_CloseSession(writing);
    }
  }

  return {
    signer: (key) => told(() => signer(key)),
    destroy: (key) => told(() => destroy(key)),
    generate: (key, kind) => told(() => generate(key, kind)),
    // The module stays initialised: other threads of the process may be using it.
    close: () => told(() => library.C_CloseSession(session)),
  };
}

/** The hash is made here: modules and tokens differ in which mechanisms hash, and all of them sign a hash. */
function schemeOf(algorithm: SignatureAlgorithm, ckmEcdsa: number) {
  if (algorithm.name !== 'ecdsa') return { mechanism: ckmEddsa, hash: undefined, length: 64 };
  return {
    mechanism: ckmEcdsa,
    hash: algorithm.hash,
    length: 2 * curves[algorithm.curve].fieldLength,
  };
}
