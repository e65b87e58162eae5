-- SPDX-License-Identifier: MIT
collectgarbage("stop"); while true do local t={} end
