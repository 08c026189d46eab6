import os
os.system('touch owned')
# weights = 1
