import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromUtf8, utf8 } from '../bytes.ts';
import { nodeBackend } from '../crypto/node.ts';
import type { Signer } from '../pki/signer.ts';
import {
  checkNote,
  cosignedMessage,
  formatNote,
  importVerifierKey,
  logKeyOf,
  parseNote,
  signatureType,
  signNote,
  verifierKey,
} from './note.ts';

function ed25519(): Signer {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    algorithm: { name: 'ed25519' },
    publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
    sign: (data) => new Uint8Array(sign(null, data, privateKey)),
  };
}

const code = (value: string) => expect.objectContaining({ code: value });
const signer = ed25519();
const name = 'verify.example.org/log/ga-par';
const text = 'one\n\ntwo\n';
const note = await signNote(text, name, signer, nodeBackend);
const key = await importVerifierKey(await logKeyOf(name, signer, nodeBackend), nodeBackend);

describe('a signed note', () => {
  // The example of golang.org/x/mod/sumdb/note, which C2SP signed-note describes.
  it('of the Go implementation is accepted', async () => {
    const vkey = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const example = utf8(
      'If you think cryptography is the answer to your problem,\n' +
        "then you don't know what your problem is.\n\n" +
        '— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n',
    );
    const known = await importVerifierKey(vkey, nodeBackend);
    expect(await checkNote(parseNote(example), [known])).toEqual([{ verifier: known }]);
  });

  it('is read as it was written, blank lines in the text included', async () => {
    const parsed = parseNote(note);
    expect(parsed.text).toBe(text);
    expect(formatNote(parsed)).toEqual(note);
    expect(await checkNote(parsed, [key])).toEqual([{ verifier: key }]);
  });

  it('is read with 16 signatures of 5 kB', () => {
    const signature = { name: 'pq.example', keyId: new Uint8Array(4), signature: new Uint8Array(5000) };
    const many = { text, signatures: Array.from({ length: 16 }, () => signature) };
    expect(parseNote(formatNote(many)).signatures).toHaveLength(16);
  });

  it('ignores unknown keys, also those that share a name or an ID with a known one', async () => {
    const [own] = parseNote(note).signatures;
    const others = [
      { ...own!, keyId: Uint8Array.of(1, 2, 3, 4) },
      { ...own!, name: 'other.example' },
    ];
    expect(await checkNote({ text, signatures: others }, [key])).toEqual([]);
    expect(await checkNote({ text, signatures: [...others, own!] }, [key])).toHaveLength(1);
  });

  it('is refused as a whole for one wrong signature of a known key', async () => {
    const [own] = parseNote(note).signatures;
    const wrong = { ...own!, signature: new Uint8Array(64) };
    expect(await checkNote({ text, signatures: [own!, wrong] }, [key])).toBeUndefined();
  });

  it('is refused or unsigned at every single flipped bit', () =>
    fc.assert(
      fc.asyncProperty(fc.nat(note.length * 8 - 1), async (bit) => {
        const changed = note.slice();
        changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
        expect(await isSigned(changed)).toBe(false);
      }),
      { numRuns: 400 },
    ));

  it('is refused when cut at any byte', async () => {
    for (let end = 0; end < note.length; end++)
      expect([end, await isSigned(note.slice(0, end))]).toEqual([end, false]);
  });

  it.each([
    ['no signature', 'text\n\n'],
    ['no blank line', 'text\n— a AAAAAAA=\n'],
    ['a name with a plus', 'text\n\n— a+b AAAAAAA=\n'],
    ['a name with a no-break space', 'text\n\n— a\u00a0b AAAAAAA=\n'],
    ['an empty name', 'text\n\n—  AAAAAAA=\n'],
    ['a hyphen for the dash', 'text\n\n- a AAAAAAA=\n'],
    ['a signature of four bytes', 'text\n\n— a AAAAAA==\n'],
    ['base64 with stray bits', 'text\n\n— a AAAAAAB=\n'],
    ['base64 without padding', 'text\n\n— a AAAAAAA\n'],
    ['a space at the end', 'text\n\n— a AAAAAAA= \n'],
    ['a tab', 'te\txt\n\n— a AAAAAAA=\n'],
    ['more after the signatures', 'text\n\n— a AAAAAAA=\nmore'],
    ['a line that is no signature', 'text\n\n— a AAAAAAA=\nmore\n'],
  ])('is refused with %s', (_, bad) => {
    expect(() => parseNote(utf8(bad))).toThrow(code('CHECKPOINT_INVALID'));
  });

  it('is refused when it is not UTF-8 or too long', () => {
    expect(() => parseNote(new Uint8Array([0xff, ...note]))).toThrow(code('CHECKPOINT_INVALID'));
    expect(() => parseNote(new Uint8Array(300_000).fill(0x41))).toThrow(code('CHECKPOINT_INVALID'));
    const line = fromUtf8(note).split('\n\n').at(-1) ?? '';
    expect(() => parseNote(utf8(`text\n\n${line.repeat(65)}`))).toThrow(code('CHECKPOINT_INVALID'));
  });
});

async function isSigned(bytes: Uint8Array): Promise<boolean> {
  try {
    return ((await checkNote(parseNote(bytes), [key]))?.length ?? 0) > 0;
  } catch (error) {
    expect(error).toEqual(code('CHECKPOINT_INVALID'));
    return false;
  }
}

describe('a verifier key', () => {
  it('is refused in any other form', async () => {
    const good = await logKeyOf(name, signer, nodeBackend);
    const [, id, encoded] = good.split('+') as [string, string, string];
    const bad = [
      '',
      name,
      good.replace(name, 'other.example'),
      good.replace(id, 'ffffffff'),
      good.replace(id, id.toUpperCase() === id ? `${id}0` : id.toUpperCase()),
      good.slice(0, -1),
      `${good}=`,
      `${name}+${id}+${encoded.replace(/^A/, 'B')}`,
      ` ${good}`,
      `${good}\n`,
    ];
    for (const vkey of bad)
      await expect(importVerifierKey(vkey, nodeBackend), vkey).rejects.toEqual(code('KEY_INVALID'));
  });

  it('is made of an Ed25519 key and a name without spaces only', async () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' }) as { publicKey: KeyObject };
    const other: Signer = {
      algorithm: { name: 'ecdsa', curve: 'P-256', hash: 'sha256' },
      publicKey: new Uint8Array(publicKey.export({ format: 'der', type: 'spki' })),
      sign: () => new Uint8Array(64),
    };
    await expect(logKeyOf(name, other, nodeBackend)).rejects.toEqual(code('KEY_INVALID'));
    for (const bad of ['', 'a b', 'a+b', 'a\nb'])
      await expect(logKeyOf(bad, signer, nodeBackend)).rejects.toEqual(code('KEY_INVALID'));
  });
});

describe('a cosignature', () => {
  const witness = ed25519();
  const time = 1_679_315_147;

  async function cosigned(signedTime: number, statedTime: bigint) {
    const vkey = await verifierKey('witness.example/w1', signatureType.cosignatureV1, witness, nodeBackend);
    const verifier = await importVerifierKey(vkey, nodeBackend);
    const signature = new Uint8Array(72);
    new DataView(signature.buffer).setBigUint64(0, statedTime);
    signature.set(await witness.sign(cosignedMessage(text, signedTime)), 8);
    return { verifier, signature: { name: verifier.name, keyId: verifier.keyId, signature } };
  }

  it('is signed over the header, the time and the text', () => {
    expect(fromUtf8(cosignedMessage('example.com/behind-the-sofa\n20852163\nroot\n', time))).toBe(
      'cosignature/v1\ntime 1679315147\nexample.com/behind-the-sofa\n20852163\nroot\n',
    );
  });

  it('counts with its time', async () => {
    const { verifier, signature } = await cosigned(time, BigInt(time));
    expect(await checkNote({ text, signatures: [signature] }, [verifier])).toEqual([{ verifier, time }]);
  });

  it('is refused with another time, another length, or as a plain signature', async () => {
    const moved = await cosigned(time, BigInt(time + 1));
    expect(await checkNote({ text, signatures: [moved.signature] }, [moved.verifier])).toBeUndefined();
    const huge = await cosigned(time, 2n ** 63n);
    expect(await checkNote({ text, signatures: [huge.signature] }, [huge.verifier])).toBeUndefined();
    const { verifier, signature } = await cosigned(time, BigInt(time));
    const cut = { ...signature, signature: signature.signature.slice(8) };
    expect(await checkNote({ text, signatures: [cut] }, [verifier])).toBeUndefined();
    const plain = await verifierKey('witness.example/w1', signatureType.ed25519, witness, nodeBackend);
    const log = await importVerifierKey(plain, nodeBackend);
    expect(await checkNote({ text, signatures: [signature] }, [log])).toEqual([]);
  });
});
