-- line 9, syntax: 'end' was expected in place of '}': the function of line 4 is still open
rule "name the deal" {
  on = "opportunity.created",
  run = function(event)
    local deal = event.record
    if deal.name == nil then
      twenty.opportunities:update(deal.id, { name = "a deal" })
    end
}
