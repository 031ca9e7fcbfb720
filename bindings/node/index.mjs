// SPDX-License-Identifier: MIT
import Datalyr from './index.js';

export const { DatalyrError } = Datalyr;
export { Datalyr };
export default Datalyr;
