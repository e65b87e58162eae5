local greet = {}
function greet.text(name) return "Hello " .. name end
return greet
