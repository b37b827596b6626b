import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { concatBytes, fromUtf8, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import type { Signer } from '../pki/signer.ts';
import { checkCheckpoint, formatCheckpoint, parseCheckpoint, signCheckpoint } from './checkpoint.ts';
import { emptyFrontier, frontierRoot, growTree } from './log.ts';
import {
  cosignedMessage,
  formatNote,
  importVerifierKey,
  logKeyOf,
  type NoteVerifier,
  parseNote,
  signatureType,
  verifierKey,
} from './note.ts';
import { formatProof, parseProof, verifyProof } from './proof.ts';
import { readHashes } from './tile.ts';
import { inclusionProof } from './tree.ts';

const digest = (bytes: Uint8Array) => nodeBackend.digest('sha256', bytes);
const entryAt = async (index: number): Promise<Uint8Array> => digest(utf8(`document ${index}`));

function ed25519(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    algorithm: { name: 'ed25519' },
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    sign: (data) => new Uint8Array(sign(null, data, privateKey)),
  };
}

const code = (value: string) => expect.objectContaining({ code: value });
const origin = 'verify.example.org/log/ga-par';
const signer = ed25519();
const vkey = await logKeyOf(origin, signer, nodeBackend);
const key = await importVerifierKey(vkey, nodeBackend);
const size = 200;
let checkpoint: Uint8Array;
let proofAt: (index: number) => Promise<Uint8Array>;

beforeAll(async () => {
  const entries = await Promise.all(Array.from({ length: size }, (_, i) => entryAt(i)));
  const { frontier } = await growTree(emptyFrontier, entries, digest);
  const root = await frontierRoot(frontier, digest);
  checkpoint = await signCheckpoint({ origin, size, root, extensions: [] }, signer, nodeBackend);
  proofAt = async (index) => {
    const hashes = await inclusionProof(
      index,
      size,
      readHashes((level) => frontier.edge[level]!),
      digest,
    );
    return formatProof({ index, hashes, checkpoint });
  };
});

describe('a checkpoint', () => {
  const root = new Uint8Array(32).fill(7);

  it('is three lines and what a log may add', () => {
    const checkpoint = { origin, size: 20_852_163, root, extensions: ['more'] };
    const text = formatCheckpoint(checkpoint);
    expect(text).toBe(`${origin}\n20852163\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\nmore\n`);
    expect(parseCheckpoint(text)).toEqual(checkpoint);
  });

  it('reads the example of C2SP tlog-checkpoint', () => {
    const note = parseNote(
      utf8(
        'example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n' +
          '— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n' +
          '— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n',
      ),
    );
    expect(parseCheckpoint(note.text)).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
    });
    expect(note.signatures.map(({ name }) => name)).toEqual([
      'example.com/behind-the-sofa',
      'witness.example.com/w1',
    ]);
  });

  const hash = 'BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=';
  it.each([
    ['a leading zero', `o\n01\n${hash}\n`],
    ['a sign', `o\n+1\n${hash}\n`],
    ['a fraction', `o\n1.0\n${hash}\n`],
    ['an exponent', `o\n1e3\n${hash}\n`],
    ['a space', `o\n 1\n${hash}\n`],
    ['a size above 2^53', `o\n9007199254740993\n${hash}\n`],
    ['an empty size', `o\n\n${hash}\n`],
    ['an empty origin', `\n1\n${hash}\n`],
    ['a short hash', 'o\n1\nBwcH\n'],
    ['no padding', `o\n1\n${hash.slice(0, -1)}\n`],
    ['stray bits', `o\n1\n${hash.replace('c=', 'd=')}\n`],
    ['an empty extension line', `o\n1\n${hash}\n\nmore\n`],
    ['no newline at the end', `o\n1\n${hash}`],
    ['two lines', 'o\n1\n'],
  ])('is refused with %s', (_, text) => {
    expect(() => parseCheckpoint(text)).toThrow(code('CHECKPOINT_INVALID'));
  });

  it('is that of the log whose key is named by its origin', async () => {
    expect(await checkCheckpoint(checkpoint, key)).toMatchObject({
      valid: true,
      checkpoint: { size, origin },
    });
    const other = await importVerifierKey(await logKeyOf('other.example', signer, nodeBackend), nodeBackend);
    expect(await checkCheckpoint(checkpoint, other)).toMatchObject({ valid: false, reason: 'origin' });
    const stranger = await importVerifierKey(await logKeyOf(origin, ed25519(), nodeBackend), nodeBackend);
    expect(await checkCheckpoint(checkpoint, stranger)).toMatchObject({ valid: false, reason: 'signature' });
  });
});

describe('witnesses', () => {
  const witness = ed25519();
  const time = 1_760_000_000;
  let witnessKey: string;

  async function cosigned(over: string): Promise<Uint8Array> {
    const verifier: NoteVerifier = await importVerifierKey(witnessKey, nodeBackend);
    const stamp = new Uint8Array(8);
    new DataView(stamp.buffer).setBigUint64(0, BigInt(time));
    const signature = concatBytes(stamp, await witness.sign(cosignedMessage(over, time)));
    const note = parseNote(checkpoint);
    const line = { name: verifier.name, keyId: verifier.keyId, signature };
    return formatNote({ ...note, signatures: [...note.signatures, line] });
  }

  beforeAll(async () => {
    witnessKey = await verifierKey('w.example', signatureType.cosignatureV1, witness, nodeBackend);
  });

  it('that are known are reported with their time', async () => {
    const proof = { ...parseProof(await proofAt(3)), checkpoint: await cosigned(parseNote(checkpoint).text) };
    const entry = await entryAt(3);
    expect(await verifyProof(formatProof(proof), entry, key, nodeBackend, [witnessKey])).toMatchObject({
      valid: true,
      cosignatures: [{ witness: 'w.example', time }],
    });
    expect(await verifyProof(formatProof(proof), entry, key, nodeBackend)).toMatchObject({
      valid: true,
      cosignatures: [],
    });
  });

  it('that signed another checkpoint refuse the whole', async () => {
    const proof = { ...parseProof(await proofAt(3)), checkpoint: await cosigned(`${origin}\n1\nAAAA\n`) };
    expect(
      await verifyProof(formatProof(proof), await entryAt(3), key, nodeBackend, [witnessKey]),
    ).toMatchObject({ valid: false, reason: 'signature' });
  });

  it('do not stand in for the log', async () => {
    const note = parseNote(await cosigned(parseNote(checkpoint).text));
    const alone = formatNote({ ...note, signatures: note.signatures.slice(1) });
    const known = [await importVerifierKey(witnessKey, nodeBackend)];
    expect(await checkCheckpoint(alone, key, known)).toMatchObject({ valid: false, reason: 'signature' });
  });
});

describe('a log proof', () => {
  it('has the form of C2SP tlog-proof', async () => {
    const text = fromUtf8(await proofAt(0));
    const lines = text.split('\n');
    expect(lines.slice(0, 2)).toEqual(['c2sp.org/tlog-proof@v1', 'index 0']);
    expect(lines.indexOf('')).toBe(2 + 8);
    expect(text.endsWith(`\n\n${fromUtf8(checkpoint)}`)).toBe(true);
  });

  it('is read as it was written', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.array(hash, { maxLength: 53 }),
        fc.option(fc.uint8Array({ minLength: 1, maxLength: 100 }), { nil: undefined }),
        fc.uint8Array({ maxLength: 300 }),
        (index, hashes, extra, checkpoint) => {
          const proof = { index, hashes, checkpoint, ...(extra === undefined ? {} : { extra }) };
          expect(parseProof(formatProof(proof))).toEqual(proof);
        },
      ),
    );
  });

  it('is accepted for every entry, with the key as text or imported', async () => {
    for (const index of [0, 1, 127, 128, 191, 192, 198, 199]) {
      const proof = await proofAt(index);
      const expected = { valid: true, index, checkpoint: { origin, size } };
      expect(await verifyProof(proof, await entryAt(index), vkey, nodeBackend)).toMatchObject(expected);
      expect(await verifyProof(fromUtf8(proof), await entryAt(index), key, nodeBackend)).toMatchObject(
        expected,
      );
    }
  });

  it('is refused for another entry', async () => {
    const proof = await proofAt(5);
    expect(await verifyProof(proof, await entryAt(6), key, nodeBackend)).toMatchObject({
      valid: false,
      reason: 'inclusion',
    });
  });

  it('is refused at every single flipped bit', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(size - 1), fc.nat(), async (index, at) => {
        const proof = await proofAt(index);
        const bit = at % (proof.length * 8);
        proof[bit >> 3] = proof[bit >> 3]! ^ (1 << (bit & 7));
        expect(await isAccepted(proof, index)).toBe(false);
      }),
      { numRuns: 500 },
    ));

  it('is refused when cut at any byte, or with anything behind it', async () => {
    const proof = await proofAt(77);
    for (let end = 0; end < proof.length; end++)
      expect([end, await isAccepted(proof.slice(0, end), 77)]).toEqual([end, false]);
    for (const more of [' ', '\n', 'x', '\n\n', '\0'])
      expect(await isAccepted(concatBytes(proof, utf8(more)), 77)).toBe(false);
  });

  it.each([
    ['another first line', (t: string) => t.replace('@v1', '@v2')],
    ['a carriage return', (t: string) => t.replace('\n', '\r\n')],
    ['a leading zero', (t: string) => t.replace('index 5', 'index 05')],
    ['a negative index', (t: string) => t.replace('index 5', 'index -5')],
    ['a second index', (t: string) => t.replace('index 5\n', 'index 5\nindex 5\n')],
    ['extra after the index', (t: string) => t.replace('index 5\n', 'index 5\nextra AAAA\n')],
    ['empty extra', (t: string) => t.replace('index', 'extra \nindex')],
    ['no index', (t: string) => t.replace('index 5\n', '')],
    ['no blank line', (t: string) => t.replace('\n\n', '\n')],
    ['54 hashes', (t: string) => t.replace('index 5\n', `index 5\n${`${'A'.repeat(43)}=\n`.repeat(54)}`)],
    ['a hash without padding', (t: string) => t.replace('=\n', '\n')],
    ['a damaged checkpoint', (t: string) => t.replace('— ', '- ')],
    ['nothing', () => ''],
  ])('is malformed with %s', async (_, change) => {
    const text = change(fromUtf8(await proofAt(5)));
    await expect(verifyProof(text, await entryAt(5), key, nodeBackend)).rejects.toEqual(
      code('LOG_PROOF_INVALID'),
    );
  });
});

async function isAccepted(proof: Uint8Array, index: number): Promise<boolean> {
  try {
    return (await verifyProof(proof, await entryAt(index), key, nodeBackend)).valid;
  } catch (error) {
    expect(error).toEqual(code('LOG_PROOF_INVALID'));
    return false;
  }
}
