// SPDX-License-Identifier: MIT
import Datalyr = require('./index.js');

export default Datalyr;
export { Datalyr };
export import DatalyrError = Datalyr.DatalyrError;
export type DatalyrConfig = Datalyr.DatalyrConfig;
export type TrackOptions = Datalyr.TrackOptions;
export type CallOptions = Datalyr.CallOptions;
export type WaitOptions = Datalyr.WaitOptions;
export type Purchase = Datalyr.Purchase;
export type Properties = Datalyr.Properties;
export type DatalyrEvent = Datalyr.DatalyrEvent;
export type DropReason = Datalyr.DropReason;
export type RefusalReason = Datalyr.RefusalReason;
export type Stats = Datalyr.Stats;
