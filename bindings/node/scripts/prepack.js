// SPDX-License-Identifier: MIT
'use strict';

// Puts the library's sources into the package (folder library/), so that it
// builds where no libdatalyr is installed. With --undo takes them out again.
const fs = require('fs');
const path = require('path');

const root = path.join(__dirname, '..');
const repository = path.join(root, '..', '..');
const target = path.join(root, 'library');

fs.rmSync(target, { recursive: true, force: true });
if (!process.argv.includes('--undo')) {
  for (const part of ['CMakeLists.txt', 'LICENSE', 'cmake', 'include', 'src']) {
    fs.cpSync(path.join(repository, part), path.join(target, part), { recursive: true });
  }
}
