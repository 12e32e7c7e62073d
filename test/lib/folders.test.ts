// Folders for what only this user may read.
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { makeFolder } from '../../src/lib/folders.ts';

describe('folders', () => {
  let home: string;
  before(() => {
    home = mkdtempSync(join(tmpdir(), 'gatehouse-folders-'));
  });
  after(() => rmSync(home, { recursive: true }));

  it('are made with all above them, for this user alone', () => {
    makeFolder(join(home, 'a/b/c'));
    for (const path of ['a', 'a/b', 'a/b/c']) {
      expect(statSync(join(home, path)).mode & 0o777).to.equal(0o700);
    }
  });

  it('stay as they are when they are there', () => {
    makeFolder(home);
    makeFolder('/');
    expect(statSync('/').isDirectory()).to.equal(true);
  });

  it('are refused in the place of a file, and below one', () => {
    const file = join(home, 'file');
    writeFileSync(file, '');
    for (const path of [file, join(file, 'below'), join(file, 'far/below')]) {
      expect(() => makeFolder(path), path).to.throw(/EEXIST|ENOTDIR/);
    }
  });

  it('are refused, at once, where the system makes none', () => {
    // Node's own recursive mkdir never returns from this one.
    for (const path of ['/proc/gatehouse', '/proc/gatehouse/below']) {
      expect(() => makeFolder(path), path).to.throw(/ENOENT|EPERM|EACCES|ENOTSUP|EROFS/);
    }
  });
});
