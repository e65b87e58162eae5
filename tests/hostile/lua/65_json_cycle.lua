-- SPDX-License-Identifier: MIT
local t = {} t.self = { t } return json.encode(t)
