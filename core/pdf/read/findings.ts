import { tooComplex } from './bounds.ts';

/**
 * What lenient readers pass over. A file with findings was read, but two readers may see two documents in it;
 * nothing that was issued by a post has any.
 */
export type FindingId =
  /** Anything but one line end after the last %%EOF. */
  | 'bytes-after-eof'
  /** Bytes between objects that belong to none. */
  | 'stray-bytes'
  /** `n g obj` that no cross-reference entry points at. */
  | 'orphan-object'
  /** A comment elsewhere than in the first two lines. */
  | 'comment'
  | 'duplicate-key'
  | 'duplicate-xref-entry'
  /** A revision lists a new offset that lies in an earlier or later revision. */
  | 'entry-outside-revision'
  /** The length of a stream is an object that a later revision replaced. */
  | 'redefined-length'
  /** /Size of a trailer is not above every object number. */
  | 'size-mismatch'
  /** A regular character written as #xx in a name. */
  | 'escaped-name'
  | 'odd-hex-string'
  /** Two cross-reference sections that form one revision (ISO 32000-1 annex F). */
  | 'linearized'
  /** A later trailer names another /Root. */
  | 'root-replaced';

export interface Finding {
  readonly id: FindingId;
  /** Byte in the file, or in the decompressed object stream where the message says so. */
  readonly offset: number;
  readonly message: string;
}

const maxFindings = 1000;

export class Findings {
  readonly list: Finding[] = [];

  note(id: FindingId, offset: number, message: string): void {
    if (this.list.length >= maxFindings) tooComplex(`more than ${maxFindings} defects`);
    this.list.push({ id, offset, message });
  }
}
