"""Who goes where: crews, what they have to do, and the order of visits that gives customers their power back soonest."""
