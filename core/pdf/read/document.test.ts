import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes, latin1 } from '../../bytes.ts';
import { ConsulError } from '../../errors.ts';
import { readAttachments } from './attachments.ts';
import { bombs } from './bombs.fixture.ts';
import { type Bounds, defaultBounds } from './bounds.ts';
import { changes } from './changes.ts';
import { readPdf } from './document.ts';
import {
  catalog,
  cpuMilliseconds,
  hello,
  pageObjects,
  pdf,
  replaced,
  signed,
  update,
  xrefStreamFile,
} from './fixture.ts';
import { pageImages } from './images.ts';
import { readSignatures } from './signature.ts';
import { pageTexts } from './text.ts';

const plain = pdf(pageObjects(hello));
const ids = (file: Uint8Array): readonly string[] => readPdf(file).findings.map(({ id }) => id);
const refusal = (code: string, what?: RegExp): unknown =>
  expect.objectContaining({ code, ...(what ? { message: expect.stringMatching(what) } : {}) });

function readAll(bytes: Uint8Array, bounds?: Bounds): number {
  const file = readPdf(bytes, bounds);
  readSignatures(file);
  readAttachments(file);
  pageTexts(file);
  changes(file);
  return [...pageImages(file)].length + file.findings.length;
}

describe('readPdf', () => {
  it('reads a small file without findings', () => {
    const file = readPdf(plain);
    expect(file.findings).toEqual([]);
    expect(file.revisions).toHaveLength(1);
    expect(file.version).toBe('1.7');
    expect(pageTexts(file)).toEqual([{ text: 'Hello', artifacts: '' }]);
  });

  it('splits a file in its revisions and says what each added, changed and freed', () => {
    const second = update(plain, { 4: { dict: '', data: 'BT ET' }, 9: '<<>>' });
    const file = readPdf(second);
    expect(file.findings).toEqual([]);
    expect(file.revisions.map(({ added, changed }) => [added, changed])).toEqual([
      [[1, 2, 3, 4, 5], []],
      [[9], [4]],
    ]);
    expect(file.revisions[0]?.eof).toBe(plain.length);
    expect(file.revisions[1]?.end).toBe(second.length);
    expect(pageTexts(file)[0]?.text).toBe('');
    expect(file.object(9, 0, 0)).toBeNull();
  });

  describe('refuses', () => {
    const refused: Record<string, [Uint8Array, RegExp]> = {
      'bytes before the header': [concatBytes(latin1('\n'), plain), /does not begin/],
      'a wrong startxref': [
        replaced(plain, 'startxref\n', 'startxref\n1'),
        /outside the file|must stand here/,
      ],
      'an entry that points beside its object': [shiftedEntry(plain, 3), /listed where|must stand here/],
      'a missing endobj': [replaced(plain, 'endobj', 'endxxx'), /endobj/],
      'a dictionary without an end': [replaced(plain, '/Count 1>>', '/Count 1> '), /dictionary/],
      'an array without an end': [replaced(plain, '[3 0 R]', '[3 0 R '), /./],
      'a wrong stream length': [
        replaced(plain, `/Length ${hello.length}`, `/Length ${hello.length - 2}`),
        /Length/,
      ],
      'a stream keyword followed by CR alone': [replaced(plain, 'stream\nBT', 'stream\rBT'), /line end/],
      'a hybrid-reference file': [pdf(pageObjects(hello), { trailer: '/XRefStm 10' }), /hybrid/],
      'an encrypted file': [pdf(pageObjects(hello), { trailer: '/Encrypt 5 0 R' }), /encrypted/],
      'a chain of /Prev that goes in a circle': [circular(), /circle/],
      'an object inside the stream of another': [nested(), /overlap/],
      'a trailer without /Root': [replaced(plain, '/Root 1 0 R', '/Ruth 1 0 R'), /Root/],
      'a root that is not a catalog': [pdf({ ...pageObjects(hello), 1: '<</Type /Katalog>>' }), /catalog/],
      'an entry of nineteen bytes': [replaced(plain, ' 00000 n \n', ' 00000 n\n'), /./],
      'a number like --5': [pdf({ ...pageObjects(hello), 9: '[--5]' }), /number/],
      'a stream in another file': [
        pdf({ ...pageObjects(hello), 4: { dict: '/F (x)', data: hello } }),
        /another file/,
      ],
    };
    for (const [name, [file, what]] of Object.entries(refused))
      it(name, () => {
        expect(() => readAll(file)).toThrow(refusal('PDF_INVALID', what));
      });
  });

  describe('notes', () => {
    const noted: Record<string, [Uint8Array, string]> = {
      'bytes after %%EOF': [concatBytes(plain, latin1('\nx')), 'bytes-after-eof'],
      'white space after the line end of %%EOF': [concatBytes(plain, latin1('\n\n')), 'bytes-after-eof'],
      'a hidden object': [withGap('99 0 obj\n<<>>\nendobj\n'), 'orphan-object'],
      'bytes between objects': [withGap('junk\n'), 'stray-bytes'],
      'a comment between objects': [withGap('% comment\n'), 'stray-bytes'],
      'a comment in an object': [pdf({ ...pageObjects(hello), 9: '<</A %x\n1>>' }), 'comment'],
      'a key that stands twice': [pdf({ ...pageObjects(hello), 9: '<</A 1 /A 2>>' }), 'duplicate-key'],
      'a key that stands twice, once in disguise': [
        pdf({ ...pageObjects(hello), 9: '<</A 1 /#41 2>>' }),
        'duplicate-key',
      ],
      'a name in disguise': [pdf({ ...pageObjects(hello), 9: '/#41B' }), 'escaped-name'],
      'an object listed twice': [duplicateEntry(), 'duplicate-xref-entry'],
      'a hexadecimal string of odd length': [pdf({ ...pageObjects(hello), 9: '<123>' }), 'odd-hex-string'],
      'a /Size that is too small': [pdf(pageObjects(hello), { size: 4 }), 'size-mismatch'],
      'an object of an update that stands in the original': [outsideEntry(), 'entry-outside-revision'],
      'another /Root in an update': [update(plain, { 9: catalog }, { root: 9 }), 'root-replaced'],
      'a stream length that an update replaces': [redefinedLength(), 'redefined-length'],
    };
    for (const [name, [file, id]] of Object.entries(noted))
      it(name, () => {
        expect(ids(file)).toContain(id);
      });
  });

  it('allows one line end after %%EOF', () => {
    for (const end of ['\n', '\r\n', '\r']) expect(ids(concatBytes(plain, latin1(end)))).toEqual([]);
  });
});

describe('a file that is cut short or changed', () => {
  const twoRevisions = update(signed(), { 9: '<</A 1>>' });
  const packed = xrefStreamFile();
  const files = { plain, signed: signed(), twoRevisions, packed };
  for (const [name, file] of Object.entries(files)) {
    it(`is refused or shows findings when cut at any byte (${name})`, () => {
      const complete = new Set(readPdf(file).revisions.flatMap(({ eof, end }) => [eof, end]));
      for (let length = 0; length < file.length; length++) {
        if (complete.has(length)) continue;
        let findings = 0;
        try {
          findings = readPdf(file.subarray(0, length)).findings.length;
        } catch (error) {
          expect(error).toBeInstanceOf(ConsulError);
          continue;
        }
        expect(findings, `cut at ${length}`).toBeGreaterThan(0);
      }
    });

    it(`throws nothing but ConsulError for any changed byte (${name})`, () => {
      for (let at = 0; at < file.length; at++)
        for (const octet of [0x20, 0x28, 0x39, 0x3e, (file[at] as number) ^ 1]) {
          const copy = file.slice();
          copy[at] = octet;
          expectSound(copy);
        }
    });
  }

  it('throws nothing but ConsulError when pieces are cut out, doubled or swapped', () => {
    const sources = Object.values(files);
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        fc.nat(3000),
        fc.nat(3000),
        fc.nat(3000),
        fc.uint8Array({ maxLength: 8 }),
        (file, a, b, c, inserted) => {
          const [i, j, k] = [a, b, c].map((n) => n % file.length).sort((x, y) => x - y) as [
            number,
            number,
            number,
          ];
          expectSound(concatBytes(file.subarray(0, i), file.subarray(j), inserted));
          expectSound(concatBytes(file.subarray(0, j), file.subarray(i)));
          expectSound(
            concatBytes(file.subarray(0, i), file.subarray(j, k), file.subarray(i, j), file.subarray(k)),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});

function expectSound(bytes: Uint8Array): void {
  try {
    readAll(bytes);
  } catch (error) {
    if (!(error instanceof ConsulError)) throw error;
    expect(['PDF_INVALID', 'PDF_TOO_COMPLEX']).toContain(error.code);
  }
}

describe('cross-reference streams and object streams', () => {
  it('are read', () => {
    const file = readPdf(xrefStreamFile());
    expect(file.findings).toEqual([]);
    expect(pageTexts(file)[0]?.text).toBe('Hello');
  });

  it('show an object in an object stream that no entry lists', () => {
    expect(ids(xrefStreamFile({ hidden: true }))).toEqual(['orphan-object']);
  });

  it('are refused when an entry names an object stream that does not hold the object', () => {
    expect(() => readPdf(xrefStreamFile({ wrongContainer: true }))).toThrow(refusal('PDF_INVALID'));
  });
});

describe('files that qpdf writes', () => {
  const qpdf = spawnSync('qpdf', ['--version']).status === 0;
  const variants = {
    'with object streams': ['--object-streams=generate'],
    linearized: ['--linearize'],
    'in QDF form': ['--qdf'],
    'linearized with object streams': ['--linearize', '--object-streams=generate'],
  };
  for (const [name, options] of Object.entries(variants))
    it.skipIf(!qpdf)(`are read ${name}`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'consul-pdf-'));
      try {
        writeFileSync(join(folder, 'in.pdf'), pdf(pageObjects(hello), { size: 6 }));
        execFileSync('qpdf', [...options, join(folder, 'in.pdf'), join(folder, 'out.pdf')]);
        const file = readPdf(new Uint8Array(readFileSync(join(folder, 'out.pdf'))));
        expect(pageTexts(file)[0]?.text).toBe('Hello');
        const harmless = new Set(['comment', 'stray-bytes', 'linearized']);
        expect(file.findings.filter(({ id }) => !harmless.has(id))).toEqual([]);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
});

describe('bounds', () => {
  const within = (bytes: Uint8Array, bounds?: Bounds): void => {
    const used = cpuMilliseconds(() => {
      expect(() => readAll(bytes, bounds)).toThrow(refusal('PDF_TOO_COMPLEX'));
    });
    expect(used).toBeLessThan(2000);
  };

  it('refuse a file that is too large', () => {
    within(plain, { ...defaultBounds, fileBytes: 100 });
  });

  it.each(bombs)('refuse $name', ({ code, file }) => {
    const bytes = file();
    const used = cpuMilliseconds(() => {
      expect(() => readAll(bytes)).toThrow(refusal(code));
    });
    expect(used).toBeLessThan(2000);
  });

  it('refuse more objects than the bound', () => {
    const many: Record<number, string> = { ...(pageObjects(hello) as Record<number, string>) };
    for (let i = 10; i < 2000; i++) many[i] = '0';
    within(pdf(many, { size: 2000 }), { ...defaultBounds, objects: 1000 });
  });
});

/** The entry of object `num` points one byte too far. */
function shiftedEntry(file: Uint8Array, num: number): Uint8Array {
  const text = new TextDecoder('latin1').decode(file);
  const entry = new RegExp(`\n${num} 1\n(\\d{10}) `).exec(text)?.[1] ?? '';
  return replaced(file, `\n${num} 1\n${entry}`, `\n${num} 1\n${String(Number(entry) + 1).padStart(10, '0')}`);
}

function circular(): Uint8Array {
  const text = new TextDecoder('latin1').decode(plain);
  const own = /startxref\n(\d+)/.exec(text)?.[1];
  return pdf(pageObjects(hello), { trailer: `/Prev ${own}` });
}

/** Object 9 is listed where it stands inside the stream of object 4. */
function nested(): Uint8Array {
  const file = pdf({ ...pageObjects('9 0 obj\n<<>>\nendobj\n'), 9: '<<>>' });
  const at = new TextDecoder('latin1').decode(file).indexOf('9 0 obj');
  const text = new TextDecoder('latin1').decode(file);
  const entry = /\n9 1\n(\d{10}) /.exec(text)?.[1] ?? '';
  return replaced(file, `\n9 1\n${entry}`, `\n9 1\n${String(at).padStart(10, '0')}`);
}

/** Bytes between the last object and the cross-reference table. */
function withGap(gap: string): Uint8Array {
  const text = new TextDecoder('latin1').decode(plain);
  const start = Number(/startxref\n(\d+)/.exec(text)?.[1]);
  const moved = concatBytes(plain.subarray(0, start), latin1(gap), plain.subarray(start));
  return replaced(moved, `startxref\n${start}`, `startxref\n${start + gap.length}`);
}

function duplicateEntry(): Uint8Array {
  const text = new TextDecoder('latin1').decode(plain);
  const line = /\n5 1\n\d{10} 00000 n \n/.exec(text)?.[0] ?? '';
  return replaced(plain, line, line + line.slice(1));
}

function outsideEntry(): Uint8Array {
  const base = pdf({ ...pageObjects(hello), 9: '<<>>' });
  const text = new TextDecoder('latin1').decode(base);
  const nine = Number(/\n9 1\n(\d{10}) /.exec(text)?.[1]);
  // The update takes number 9 away from the original and gives it back at the old place under its own entry.
  const freed = update(base, {}, {});
  const withFree = replaced(freed, 'xref\ntrailer', 'xref\n9 1\n0000000000 00000 f \ntrailer');
  const again = update(withFree, {}, {});
  const at = new TextDecoder('latin1').decode(again).lastIndexOf('xref\ntrailer');
  return concatBytes(
    again.subarray(0, at),
    latin1(`xref\n9 1\n${String(nine).padStart(10, '0')} 00000 n \ntrailer`),
    again.subarray(at + 'xref\ntrailer'.length),
  );
}

function redefinedLength(): Uint8Array {
  const base = pdf({
    ...pageObjects(hello),
    4: `<</Length 8 0 R>>\nstream\n${hello}\nendstream`,
    8: `${hello.length}`,
  });
  return update(base, { 8: '3' });
}

/** One revision: objects 1 to 3 and 5 in the object stream 7, the page's content 4, the cross-reference stream 8. */
